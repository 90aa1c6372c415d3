//! Holds of several seats: all or nothing, with an end, a limit and one owner.

use std::time::Duration;

use booking::Settings;
use redis::AsyncCommands;
use reqwest::{Method, StatusCode};
use rstest::rstest;
use seats::HoldLimits;
use serde_json::{Value, json};
use testbed::{
    eventually,
    given::{Event, Ticket},
};

use crate::{
    customer::{Answer, Customer},
    service::{Service, new_uuid},
};

pub(crate) async fn hold(customer: &Customer, event: &Event, tickets: &[Ticket]) -> Answer {
    let tickets: Vec<_> = tickets.iter().map(|ticket| ticket.uuid).collect();
    let body = json!({"event_uuid": event.uuid, "user_uuid": customer.uuid, "ticket_uuids": tickets});
    customer.call(Method::POST, "holds", Some(&body)).await
}

async fn show(customer: &Customer, hold: &str) -> Answer {
    customer.call(Method::GET, &format!("holds/{hold}?user_uuid={}", customer.uuid), None).await
}

async fn extend(customer: &Customer, hold: &str) -> Answer {
    customer.call(Method::POST, &format!("holds/{hold}/extend"), Some(&json!({"user_uuid": customer.uuid}))).await
}

async fn release(customer: &Customer, hold: &str) -> Answer {
    customer.call(Method::DELETE, &format!("holds/{hold}?user_uuid={}", customer.uuid), None).await
}

fn named(answer: &Answer) -> String {
    answer.body["hold_uuid"].as_str().expect("a hold").to_owned()
}

fn seconds_left(answer: &Answer) -> u64 {
    answer.body["seconds_left"].as_u64().expect("seconds")
}

#[tokio::test]
async fn several_seats_are_held_together_and_seen_with_the_seconds_left() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(3).await;
    let customer = service.customer();
    let held = hold(&customer, &event, &tickets).await;
    assert_eq!(held.status, 201, "{held:?}");
    assert!((890..=900).contains(&seconds_left(&held)), "{held:?}");
    let seen = show(&customer, &named(&held)).await;
    assert_eq!(seen.status, 200);
    assert_eq!(seen.body["ticket_uuids"], held.body["ticket_uuids"]);
    assert_eq!(seen.body["event_uuid"], json!(event.uuid));
    for ticket in &tickets {
        service.customer().reserve(ticket).await.is_not_available();
    }
}

#[tokio::test]
async fn one_seat_that_cannot_be_had_means_that_none_is_held() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(3).await;
    service.customer().reserve(&tickets[1]).await.is_ok();
    let refused = hold(&service.customer(), &event, &tickets).await;
    assert_eq!((refused.status, &refused.body["error"]), (409, &json!("ticket_not_available")));
    assert_eq!(service.shown_as_reserved(&event).await, [tickets[1].uuid]);
}

#[tokio::test]
async fn one_seat_that_was_sold_in_postgresql_alone_means_that_none_is_held() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(3).await;
    sqlx::query("UPDATE tickets SET status = 'booked' WHERE uuid = $1")
        .bind(tickets[2].uuid)
        .execute(service.stores.pool())
        .await
        .expect("booked");
    let refused = hold(&service.customer(), &event, &tickets).await;
    assert_eq!((refused.status, &refused.body["error"]), (409, &json!("ticket_not_available")));
    assert!(service.shown_as_reserved(&event).await.is_empty());
}

#[tokio::test]
async fn the_owners_repeat_is_the_same_hold_and_prolongs_nothing() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    let customer = service.customer();
    let first = hold(&customer, &event, &tickets).await;
    let again = hold(&customer, &event, &tickets).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(named(&again), named(&first));
    assert!(seconds_left(&again) <= seconds_left(&first));
    customer.reserve(&tickets[0]).await.is_ok();
    assert_eq!(show(&customer, &named(&first)).await.body["ticket_uuids"], first.body["ticket_uuids"]);
}

#[tokio::test]
async fn a_seat_that_was_reserved_before_becomes_part_of_the_new_hold_with_the_end_it_had() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    let customer = service.customer();
    customer.reserve(&tickets[0]).await.is_ok();
    let lock = format!("ticket_lock:{}", tickets[0].uuid);
    let mut redis = service.redis().await;
    let before: i64 = redis::cmd("PEXPIRETIME").arg(&lock).query_async(&mut redis).await.expect("Redis answers");
    let held = hold(&customer, &event, &tickets).await;
    assert_eq!(held.status, 201);
    assert_eq!(held.body["ticket_uuids"].as_array().expect("tickets").len(), 2);
    let after: i64 = redis::cmd("PEXPIRETIME").arg(&lock).query_async(&mut redis).await.expect("Redis answers");
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_released_hold_is_free_for_others_and_gone() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    let customer = service.customer();
    let held = named(&hold(&customer, &event, &tickets).await);
    assert_eq!(release(&customer, &held).await.status, 204);
    assert!(service.shown_as_reserved(&event).await.is_empty());
    for answer in [show(&customer, &held).await, release(&customer, &held).await, extend(&customer, &held).await] {
        assert_eq!((answer.status, &answer.body["error"]), (404, &json!("hold_not_found")));
    }
    customer.confirm(&tickets[0]).await.is_not_reserved();
    assert_eq!(hold(&service.customer(), &event, &tickets).await.status, 201);
}

#[tokio::test]
async fn a_hold_can_be_extended_up_to_its_lifetime_and_no_further() {
    const LIMITS: HoldLimits =
        HoldLimits { length: Duration::from_secs(60), lifetime: Duration::from_secs(61), tickets_per_user: 0 };
    let service = Service::start_with(|settings| Settings { limits: LIMITS, ..settings }).await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    let customer = service.customer();
    let first = hold(&customer, &event, &tickets).await;
    let until = first.body["extendable_until"].clone();
    eventually("the hold can be extended no further", async || {
        let answer = extend(&customer, &named(&first)).await;
        if answer.status == 409 {
            assert_eq!(answer.body["error"], "hold_limit_reached");
            return true;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(seconds_left(&answer) <= 60);
        false
    })
    .await;
    let seen = show(&customer, &named(&first)).await;
    let close = |text: &Value| text.as_str().expect("a time")[..19].to_owned();
    assert_eq!(close(&seen.body["expires_at"])[..16], close(&until)[..16], "{seen:?}");
}

#[tokio::test]
async fn a_hold_of_another_user_is_not_found() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(1).await;
    let (owner, other) = (service.customer(), service.customer());
    let held = named(&hold(&owner, &event, &tickets).await);
    for answer in [show(&other, &held).await, release(&other, &held).await, extend(&other, &held).await] {
        assert_eq!((answer.status, &answer.body["error"]), (404, &json!("hold_not_found")));
    }
    assert_eq!(show(&owner, &held).await.status, 200);
    for path in ["holds/nothing", "holds/00000000-0000-0000-0000-000000000000"] {
        let answer = owner.call(Method::GET, &format!("{path}?user_uuid={}", owner.uuid), None).await;
        assert_eq!(answer.status, 404);
    }
    let answer = owner.call(Method::GET, &format!("holds/{held}"), None).await;
    answer.is_error(StatusCode::BAD_REQUEST, "invalid_request_payload", "Invalid request payload");
}

#[tokio::test]
async fn a_hold_that_ran_out_is_gone() {
    let service = Service::start_with_hold(Duration::from_secs(1)).await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    let customer = service.customer();
    let held = named(&hold(&customer, &event, &tickets).await);
    eventually("the hold is gone", async || show(&customer, &held).await.status == 404).await;
    assert!(service.shown_as_reserved(&event).await.is_empty());
    let keys: Vec<String> = service.redis().await.keys("ticket_*").await.expect("Redis answers");
    assert_eq!(keys, Vec::<String>::new());
}

#[tokio::test]
async fn the_cap_counts_what_is_held_and_what_was_bought() {
    let service = Service::start_with(|settings| {
        let limits = HoldLimits { tickets_per_user: 3, ..settings.limits };
        Settings { limits, ..settings }
    })
    .await;
    let (event, tickets) = service.given_event_with_seats(6).await;
    let customer = service.customer();
    assert_eq!(hold(&customer, &event, &tickets[..2]).await.status, 201);
    let refused = hold(&customer, &event, &tickets[2..4]).await;
    assert_eq!((refused.status, &refused.body["error"]), (409, &json!("ticket_limit_reached")));
    customer.confirm(&tickets[0]).await.is_ok();
    customer.reserve(&tickets[2]).await.is_ok();
    let refused = customer.reserve(&tickets[3]).await;
    refused.is_error(StatusCode::CONFLICT, "ticket_limit_reached", "Ticket is not available for reservation");
    // Redis forgets, PostgreSQL does not.
    let _: () = redis::cmd("FLUSHDB").query_async(&mut service.redis().await).await.expect("Redis answers");
    assert_eq!(hold(&customer, &event, &tickets[1..4]).await.status, 409);
    assert!(service.shown_as_reserved(&event).await.is_empty(), "what was refused is not kept");
    assert_eq!(hold(&customer, &event, &tickets[1..3]).await.status, 201);
    // Another event has a cap of its own, and so has another user.
    let (other_event, other_tickets) = service.given_event_with_seats(3).await;
    assert_eq!(hold(&customer, &other_event, &other_tickets).await.status, 201);
    assert_eq!(hold(&service.customer(), &event, &tickets[3..6]).await.status, 201);
}

#[tokio::test]
async fn a_ticket_of_another_event_is_refused_and_nothing_is_held() {
    let service = Service::start().await;
    let (event, mut tickets) = service.given_event_with_seats(1).await;
    let (other, others) = service.given_event_with_seats(1).await;
    tickets.extend(others);
    let refused = hold(&service.customer(), &event, &tickets).await;
    assert_eq!((refused.status, &refused.body["error"]), (409, &json!("ticket_of_another_event")));
    assert!(service.shown_as_reserved(&event).await.is_empty());
    assert!(service.shown_as_reserved(&other).await.is_empty());
}

#[rstest]
#[case::no_list(json!("all"))]
#[case::none(json!([]))]
#[case::not_uuids(json!(["A1"]))]
#[case::numbers(json!([1, 2]))]
#[case::twice(json!(["0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0001", "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0001"]))]
#[case::twice_in_other_letters(json!(["0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0001", "0B6A52F5-2D4C-4A57-8A4F-3F8F7F5F0001"]))]
#[case::too_many((0..51).map(|_| new_uuid()).collect())]
#[case::absurdly_many((0..5_000).map(|_| new_uuid()).collect())]
#[tokio::test]
async fn a_list_that_is_no_list_of_seats_is_an_invalid_request_payload(#[case] tickets: Value) {
    let service = Service::start().await;
    let customer = service.customer();
    let body = json!({"event_uuid": new_uuid(), "user_uuid": customer.uuid, "ticket_uuids": tickets});
    let answer = customer.call(Method::POST, "holds", Some(&body)).await;
    answer.is_error(StatusCode::BAD_REQUEST, "invalid_request_payload", "Invalid request payload");
}
