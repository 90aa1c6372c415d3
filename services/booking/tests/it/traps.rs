//! The contract's known traps: each test fails when its trap is put back.

use std::time::Duration;

use booking::{Settings, SweepSettings};
use redis::AsyncCommands;
use reqwest::StatusCode;
use seats::HoldLimits;
use testbed::eventually;

use crate::{customer::insist, service::Service};

/// Trap 1: the loser of a race to reserve got a user key all the same, and could confirm.
#[tokio::test]
async fn the_losers_of_a_race_to_reserve_cannot_confirm() {
    let service = Service::start().await;
    let ticket = service.given_ticket().await;
    let customers: Vec<_> = (0..20).map(|_| service.customer()).collect();
    let answers =
        futures::future::join_all(customers.iter().map(|customer| insist(|| customer.reserve(&ticket)))).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    let proofs: Vec<String> =
        service.redis().await.keys(format!("ticket_lock_user:{}:*", ticket.uuid)).await.expect("Redis answers");
    assert_eq!(proofs.len(), 1, "{proofs:?}");
    for (customer, answer) in customers.iter().zip(&answers) {
        if answer.status != 200 {
            answer.is_not_available();
            insist(|| customer.confirm(&ticket)).await.is_not_reserved();
        }
    }
    assert_eq!(service.stores.status(&ticket).await, "available");
}

/// Trap 2, first half: the hold ran out between the check and the update, and another took the ticket in between.
#[tokio::test]
async fn a_hold_does_not_run_out_while_its_sale_is_being_decided() {
    const HOLD: Duration = Duration::from_secs(2);
    let service = Service::start_with(|settings| Settings {
        limits: HoldLimits::of_length(HOLD),
        sweep: SweepSettings::default(),
        ..settings
    })
    .await;
    let (event, mut tickets) = service.given_event_with_seats(1).await;
    let ticket = tickets.remove(0);
    let (buyer, other) = (service.customer(), service.customer());
    buyer.reserve(&ticket).await.is_ok();

    // The sale waits for this row for longer than the hold lasts.
    let mut blocker = service.stores.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM tickets WHERE id = $1 FOR UPDATE")
        .bind(ticket.id)
        .execute(&mut *blocker)
        .await
        .expect("a row lock");
    let sale = tokio::spawn({
        let (buyer, ticket) = (buyer.clone(), ticket.clone());
        async move { buyer.confirm(&ticket).await }
    });
    let mut redis = service.redis().await;
    let selling = async || {
        let mark: Option<String> =
            redis.clone().hget(format!("event_seats:{}", event.uuid), ticket.uuid).await.expect("Redis answers");
        mark.is_some_and(|mark| mark.starts_with('s'))
    };
    eventually("the sale has begun", selling).await;
    let (seconds, _): (u64, u64) = redis::cmd("TIME").query_async(&mut redis).await.expect("Redis answers");
    eventually("the hold would have run out", async || {
        let (now, _): (u64, u64) = redis::cmd("TIME").query_async(&mut redis.clone()).await.expect("Redis answers");
        now > seconds + HOLD.as_secs()
    })
    .await;

    other.reserve(&ticket).await.is_not_available();
    assert_eq!(service.shown_as_reserved(&event).await, [ticket.uuid]);
    blocker.rollback().await.expect("released");
    sale.await.expect("an answer").is_ok();
    assert_eq!(service.stores.buyers(&ticket).await, [buyer.uuid]);
}

/// Trap 2, second half: confirm updated by id alone, whatever the ticket's status was.
#[tokio::test]
async fn a_ticket_that_was_booked_after_it_was_reserved_is_not_sold_again() {
    let service = Service::start().await;
    let (event, mut tickets) = service.given_event_with_seats(1).await;
    let (ticket, customer) = (tickets.remove(0), service.customer());
    customer.reserve(&ticket).await.is_ok();
    sqlx::query("UPDATE tickets SET status = 'booked'").execute(service.stores.pool()).await.expect("booked");
    customer.confirm(&ticket).await.is_not_reserved();
    assert!(service.stores.buyers(&ticket).await.is_empty());
    assert!(service.shown_as_reserved(&event).await.is_empty());
}

/// The same, when Redis was flushed and two customers were told that they hold the ticket.
#[tokio::test]
async fn a_flushed_redis_leads_to_no_second_sale() {
    let service = Service::start().await;
    let (ticket, first, second) = (service.given_ticket().await, service.customer(), service.customer());
    first.reserve(&ticket).await.is_ok();
    flush(&service).await;
    second.reserve(&ticket).await.is_ok();
    first.confirm(&ticket).await.is_not_reserved();
    second.confirm(&ticket).await.is_ok();
    flush(&service).await;
    first.reserve(&ticket).await.is_not_available();
    first.confirm(&ticket).await.is_not_reserved();
    assert_eq!(service.stores.buyers(&ticket).await, [second.uuid]);
}

/// Locks deleted by somebody else end a hold; they never make a second sale.
#[tokio::test]
async fn deleted_locks_lead_to_no_second_sale() {
    let service = Service::start().await;
    let (ticket, first, second) = (service.given_ticket().await, service.customer(), service.customer());
    first.reserve(&ticket).await.is_ok();
    let mut redis = service.redis().await;
    let _: () = redis.del(format!("ticket_lock:{}", ticket.uuid)).await.expect("Redis answers");
    second.reserve(&ticket).await.is_ok();
    let answers = [first.confirm(&ticket).await, second.confirm(&ticket).await];
    answers[0].is_not_reserved();
    answers[1].is_ok();
    assert_eq!(service.stores.buyers(&ticket).await, [second.uuid]);
}

/// Trap 3: when the hold ran out, a sold seat showed as available. Both halves of what a page is made of say otherwise.
#[tokio::test]
async fn a_sold_seat_stays_sold_when_its_hold_would_have_run_out() {
    const HOLD_SECONDS: u64 = 3;
    let service = Service::start_with_hold(Duration::from_secs(HOLD_SECONDS)).await;
    let (event, mut tickets) = service.given_event_with_seats(1).await;
    let (ticket, customer) = (tickets.remove(0), service.customer());
    customer.reserve(&ticket).await.is_ok();
    let mut redis = service.redis().await;
    let (seconds, _): (u64, u64) = redis::cmd("TIME").query_async(&mut redis).await.expect("Redis answers");
    customer.confirm(&ticket).await.is_ok();
    eventually("the hold would have run out", async || {
        let (now, _): (u64, u64) = redis::cmd("TIME").query_async(&mut redis.clone()).await.expect("Redis answers");
        now > seconds + HOLD_SECONDS
    })
    .await;
    assert!(service.shown_as_reserved(&event).await.is_empty());
    assert_eq!(service.stores.status(&ticket).await, "booked");
    service.customer().reserve(&ticket).await.is_not_available();
}

/// Trap 4: the buyer was stored nowhere.
#[tokio::test]
async fn the_order_says_who_bought_the_ticket() {
    let service = Service::start().await;
    let (ticket, buyer) = (service.given_ticket().await, service.customer());
    service.customer().confirm(&ticket).await.is_not_reserved();
    buyer.reserve(&ticket).await.is_ok();
    buyer.confirm(&ticket).await.is_ok();
    assert_eq!(service.stores.buyers(&ticket).await, [buyer.uuid]);
}

/// Trap 6: a Redis fault turned into a 500.
#[tokio::test]
async fn a_redis_fault_is_a_503_that_says_when_to_come_back() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    service.stores.redis_proxy.cut();
    for answer in [customer.reserve(&ticket).await, customer.confirm(&ticket).await] {
        assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR.as_u16());
        answer.is_unavailable();
    }
}

async fn flush(service: &Service) {
    let _: () = redis::cmd("FLUSHDB").query_async(&mut service.redis().await).await.expect("Redis answers");
}
