//! The state of each seat at the moment of the answer.

use std::time::Duration;

use futures::StreamExt;
use testbed::{Stores, TestDatabase};
use uuid::Uuid;

use crate::service::{A_WHILE, Service, execute, given_an_event, hold, redis, release, runs_out, sell};

#[tokio::test]
async fn a_held_seat_is_reserved_until_its_hold_ends() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2).await;
    let service = Service::start(&db).await;
    assert_eq!(service.statuses(event.uuid).await, ["available", "available"]);
    let user = hold(&event, &tickets[1], A_WHILE).await;
    assert_eq!(service.statuses(event.uuid).await, ["available", "reserved"]);
    release(&event, &tickets[1], user).await;
    assert_eq!(service.statuses(event.uuid).await, ["available", "available"]);
}

#[tokio::test]
async fn a_hold_that_ran_out_shows_on_no_replica_any_more() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2).await;
    let replicas = [Service::start(&db).await, Service::start(&db).await];
    hold(&event, &tickets[0], Duration::from_secs(1)).await;
    for replica in &replicas {
        assert_eq!(replica.statuses(event.uuid).await, ["reserved", "available"]);
    }
    runs_out(&tickets[0]).await;
    for replica in &replicas {
        assert_eq!(replica.statuses(event.uuid).await, ["available", "available"]);
    }
}

/// Trap 3 of the contract: the cached event was not dropped on a sale, and a sold seat showed as available again.
#[tokio::test]
async fn a_sold_seat_never_shows_as_available_whatever_the_cache_holds() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2).await;
    let replicas = [Service::start(&db).await, Service::start(&db).await];
    let user = hold(&event, &tickets[0], A_WHILE).await;
    for replica in &replicas {
        assert_eq!(replica.statuses(event.uuid).await, ["reserved", "available"]);
    }
    let changes = replicas[0].metric("event_changes_total").await;
    sell(&db.pool, &[tickets[0].uuid]).await;
    release(&event, &tickets[0], user).await;
    for replica in &replicas {
        assert_eq!(replica.statuses(event.uuid).await, ["booked", "available"]);
        assert_eq!(replica.found_in("postgres").await + replica.found_in("redis").await, 1, "the details stay cached");
    }
    assert_eq!(replicas[0].metric("event_changes_total").await, changes, "a sale announces nothing");
}

#[tokio::test]
async fn a_seat_that_is_sold_and_still_marked_as_held_is_booked() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 1).await;
    let service = Service::start(&db).await;
    hold(&event, &tickets[0], A_WHILE).await;
    sell(&db.pool, &[tickets[0].uuid]).await;
    assert_eq!(service.statuses(event.uuid).await, ["booked"]);
    execute(&db.pool, "UPDATE tickets SET status = 'available'").await;
    assert_eq!(service.statuses(event.uuid).await, ["reserved"]);
}

/// Trap 7 of the contract: one key for each seat.
#[tokio::test]
async fn a_page_of_two_thousand_seats_costs_one_call_to_redis() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2000).await;
    for ticket in tickets.iter().step_by(500) {
        hold(&event, ticket, A_WHILE).await;
    }
    let service = Service::start(&db).await;
    let url = format!("redis://{}", Stores::from_environment().redis_addr);
    let monitor = redis::Client::open(url).unwrap().get_async_monitor().await.unwrap();
    let mut commands = monitor.into_on_message::<String>();
    service.page(event.uuid).await;
    let statuses = service.statuses(event.uuid).await;
    assert_eq!(statuses.iter().filter(|status| *status == "reserved").count(), 4);
    let end = Uuid::new_v4().to_string();
    redis::cmd("ECHO").arg(&end).query_async::<()>(&mut redis().await).await.unwrap();
    let (mut of_the_event, mut of_tickets) = (0, 0);
    while let Some(command) = commands.next().await {
        if command.contains(&end) {
            break;
        }
        // A script's own calls are part of one call.
        if command.contains(" lua]") {
            continue;
        }
        of_the_event += usize::from(command.contains(&event.uuid.to_string()) && command.contains("event_seats"));
        of_tickets += usize::from(command.contains(&tickets[0].uuid.to_string()) && command.contains("ticket_lock"));
    }
    assert_eq!((of_the_event, of_tickets), (2, 0), "one call a page, and none for a single ticket");
}
