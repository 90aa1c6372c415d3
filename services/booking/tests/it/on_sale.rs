//! When an event is on sale: before, after and never.

use reqwest::StatusCode;
use rstest::rstest;

use crate::{holds::hold, service::Service};

async fn change_event(service: &Service, change: &'static str) {
    sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE events SET {change}")))
        .execute(service.stores.pool())
        .await
        .expect("the event is changed");
}

#[rstest]
#[case::not_yet("sale_starts_at = now() + interval '1 hour'", "not_on_sale")]
#[case::no_more("sale_ends_at = now() - interval '1 second'", "sale_ended")]
#[case::over("date = now() - interval '1 second'", "event_over")]
#[case::cancelled("cancelled_at = now()", "event_cancelled")]
#[tokio::test]
async fn what_is_not_on_sale_is_refused_with_a_code_of_its_own(#[case] change: &'static str, #[case] code: &str) {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    change_event(&service, change).await;
    let answer = service.customer().reserve(&tickets[0]).await;
    answer.is_error(StatusCode::CONFLICT, code, "Ticket is not available for reservation");
    let answer = hold(&service.customer(), &event, &tickets).await;
    assert_eq!((answer.status, answer.body["error"].as_str()), (409, Some(code)));
    assert!(service.shown_as_reserved(&event).await.is_empty());
}

#[tokio::test]
async fn between_its_begin_and_its_end_an_event_is_on_sale() {
    let service = Service::start().await;
    let (_, tickets) = service.given_event_with_seats(1).await;
    change_event(&service, "sale_starts_at = now() - interval '1 hour', sale_ends_at = now() + interval '1 hour'")
        .await;
    service.customer().reserve(&tickets[0]).await.is_ok();
}

#[tokio::test]
async fn a_user_who_holds_a_seat_when_the_sale_ends_may_still_buy_it() {
    let service = Service::start().await;
    let (_, tickets) = service.given_event_with_seats(1).await;
    let customer = service.customer();
    customer.reserve(&tickets[0]).await.is_ok();
    change_event(&service, "sale_ends_at = now() - interval '1 second'").await;
    customer.reserve(&tickets[0]).await.is_ok();
    customer.confirm(&tickets[0]).await.is_ok();
}

#[tokio::test]
async fn a_held_seat_of_an_event_that_is_cancelled_is_not_sold() {
    let service = Service::start().await;
    let (_, tickets) = service.given_event_with_seats(1).await;
    let customer = service.customer();
    customer.reserve(&tickets[0]).await.is_ok();
    change_event(&service, "cancelled_at = now()").await;
    customer.confirm(&tickets[0]).await.is_not_reserved();
    assert!(service.stores.buyers(&tickets[0]).await.is_empty());
    assert_eq!(service.stores.status(&tickets[0]).await, "available");
}
