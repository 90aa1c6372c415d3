//! Each promise of the contract's page on booking.

use std::time::Duration;

use ids::TicketId;
use redis::AsyncCommands;
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use testbed::{
    eventually,
    given::{PRICE, Ticket},
};

use crate::service::{Service, new_uuid};

fn unknown_ticket() -> Ticket {
    Ticket { id: 0, uuid: TicketId::random(), seat: "A1".to_owned() }
}

#[tokio::test]
async fn a_ticket_is_reserved_and_confirmed() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    customer.reserve(&ticket).await.is_ok();
    customer.confirm(&ticket).await.is_ok();
    assert_eq!(service.stores.status(&ticket).await, "booked");
}

#[tokio::test]
async fn a_reserved_ticket_is_kept_for_fifteen_minutes_under_the_contracts_keys() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    customer.reserve(&ticket).await.is_ok();
    let mut redis = service.redis().await;
    for key in [format!("ticket_lock:{}", ticket.uuid), format!("ticket_lock_user:{}:{}", ticket.uuid, customer.uuid)] {
        let left: i64 = redis.pttl(&key).await.expect("Redis answers");
        assert!((890_000..=900_000).contains(&left), "{key}: {left} ms");
    }
}

#[tokio::test]
async fn the_owners_repeat_of_reserve_succeeds_and_does_not_prolong_the_hold() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    customer.reserve(&ticket).await.is_ok();
    let mut redis = service.redis().await;
    let key = format!("ticket_lock:{}", ticket.uuid);
    let before: i64 = redis::cmd("PEXPIRETIME").arg(&key).query_async(&mut redis).await.expect("Redis answers");
    customer.reserve(&ticket).await.is_ok();
    let after: i64 = redis::cmd("PEXPIRETIME").arg(&key).query_async(&mut redis).await.expect("Redis answers");
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_ticket_that_somebody_holds_is_not_available_to_another() {
    let service = Service::start().await;
    let (ticket, owner, other) = (service.given_ticket().await, service.customer(), service.customer());
    owner.reserve(&ticket).await.is_ok();
    other.reserve(&ticket).await.is_not_available();
    other.confirm(&ticket).await.is_not_reserved();
    owner.confirm(&ticket).await.is_ok();
}

#[tokio::test]
async fn a_sold_ticket_is_not_available_to_anybody() {
    let service = Service::start().await;
    let (ticket, owner) = (service.given_ticket().await, service.customer());
    owner.reserve(&ticket).await.is_ok();
    owner.confirm(&ticket).await.is_ok();
    owner.reserve(&ticket).await.is_not_available();
    service.customer().reserve(&ticket).await.is_not_available();
}

#[tokio::test]
async fn a_ticket_booked_by_hand_is_not_available_and_not_held() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(1).await;
    sqlx::query("UPDATE tickets SET status = 'booked'").execute(service.stores.pool()).await.expect("booked");
    service.customer().reserve(&tickets[0]).await.is_not_available();
    assert!(service.shown_as_reserved(&event).await.is_empty());
}

#[tokio::test]
async fn an_unknown_ticket_is_not_available_and_not_reserved() {
    let service = Service::start().await;
    service.customer().reserve(&unknown_ticket()).await.is_not_available();
    service.customer().confirm(&unknown_ticket()).await.is_not_reserved();
}

#[tokio::test]
async fn a_ticket_of_an_event_that_is_over_is_not_available_and_not_held() {
    let service = Service::start().await;
    let ticket = service.given_ticket_of_an_event_that_is_over().await;
    let answer = service.customer().reserve(&ticket).await;
    answer.is_error(StatusCode::CONFLICT, "event_over", "Ticket is not available for reservation");
    let held: bool = service.redis().await.exists(format!("ticket_lock:{}", ticket.uuid)).await.expect("Redis answers");
    assert!(!held);
}

#[tokio::test]
async fn a_reserved_ticket_whose_event_is_over_by_then_is_not_sold() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    customer.reserve(&ticket).await.is_ok();
    sqlx::query("UPDATE events SET date = now() - interval '1 second'")
        .execute(service.stores.pool())
        .await
        .expect("the event is over");
    customer.confirm(&ticket).await.is_not_reserved();
    assert_eq!(service.stores.status(&ticket).await, "available");
    assert!(service.stores.buyers(&ticket).await.is_empty());
}

#[tokio::test]
async fn a_hold_that_ran_out_cannot_be_confirmed_and_another_takes_the_ticket() {
    let service = Service::start_with_hold(Duration::from_millis(100)).await;
    let (ticket, slow, quick) = (service.given_ticket().await, service.customer(), service.customer());
    slow.reserve(&ticket).await.is_ok();
    eventually("another can reserve", async || quick.reserve(&ticket).await.status == 200).await;
    slow.confirm(&ticket).await.is_not_reserved();
    assert!(service.stores.buyers(&ticket).await.is_empty());
}

#[tokio::test]
async fn the_buyers_repeat_of_confirm_succeeds_and_sells_nothing_more() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    customer.reserve(&ticket).await.is_ok();
    let confirmations = futures::future::join_all((0..8).map(|_| customer.confirm(&ticket))).await;
    confirmations.iter().for_each(crate::customer::Answer::is_ok);
    customer.confirm(&ticket).await.is_ok();
    assert_eq!(service.stores.buyers(&ticket).await, [customer.uuid]);
}

#[tokio::test]
async fn a_ticket_set_back_by_hand_can_be_sold_again() {
    let service = Service::start().await;
    let (ticket, first, second) = (service.given_ticket().await, service.customer(), service.customer());
    first.reserve(&ticket).await.is_ok();
    first.confirm(&ticket).await.is_ok();
    sqlx::query("UPDATE tickets SET status = 'available'").execute(service.stores.pool()).await.expect("set back");
    second.reserve(&ticket).await.is_ok();
    second.confirm(&ticket).await.is_ok();
    assert_eq!(service.stores.status(&ticket).await, "booked");
    first.confirm(&ticket).await.is_not_reserved();
}

#[tokio::test]
async fn a_sale_leaves_an_order_with_its_ticket_and_price() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    customer.reserve(&ticket).await.is_ok();
    customer.confirm(&ticket).await.is_ok();
    let order: (String, String, i64, String, i64, String) = sqlx::query_as(
        "SELECT orders.state, orders.payment_provider, orders.amount, order_tickets.seat, order_tickets.price, orders.currency
         FROM orders JOIN order_tickets ON order_tickets.order_id = orders.id
         WHERE orders.user_uuid = $1",
    )
    .bind(&customer.uuid)
    .fetch_one(service.stores.pool())
    .await
    .expect("one order");
    assert_eq!(order, ("booked".into(), "free".into(), PRICE, ticket.seat, PRICE, "eur".into()));
}

#[tokio::test]
async fn a_uuid_in_upper_case_is_the_same_ticket_and_user() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    let upper_case = |id: String| id.to_uppercase();
    let body =
        json!({"ticket_uuid": upper_case(ticket.uuid.to_string()), "user_uuid": upper_case(customer.uuid.clone())});
    customer.post("reserve", &body).await.is_ok();
    customer.confirm(&ticket).await.is_ok();
}

#[rstest]
#[case::no_body("")]
#[case::not_json("ticket")]
#[case::no_object("[]")]
#[case::number("1")]
#[case::fields_missing("{}")]
#[case::field_is_no_uuid(r#"{"ticket_uuid": "A1", "user_uuid": "A2", "payment_method_uuid": "A3"}"#)]
#[case::field_is_a_number(r#"{"ticket_uuid": 1, "user_uuid": 2, "payment_method_uuid": 3}"#)]
#[case::not_utf8_escape(r#"{"ticket_uuid": "\ud800", "user_uuid": "\ud800", "payment_method_uuid": "\ud800"}"#)]
#[tokio::test]
async fn a_malformed_body_is_an_invalid_request_payload(#[case] body: &str) {
    let service = Service::start().await;
    for verb in ["reserve", "confirm"] {
        let answer = service.customer().post_text(verb, body.to_owned()).await;
        answer.is_error(StatusCode::BAD_REQUEST, "invalid_request_payload", "Invalid request payload");
    }
}

#[tokio::test]
async fn a_body_that_lacks_a_field_or_holds_something_else_changes_nothing() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    let reservation = json!({"ticket_uuid": ticket.uuid, "user_uuid": customer.uuid});
    let confirmation =
        json!({"ticket_uuid": ticket.uuid, "user_uuid": customer.uuid, "payment_method_uuid": new_uuid()});
    for (verb, complete) in [("reserve", &reservation), ("confirm", &confirmation)] {
        for field in complete.as_object().expect("an object").keys() {
            for wrong in [None, Some(Value::Null), Some(json!("")), Some(json!("not-a-uuid")), Some(json!(7))] {
                let mut body = complete.clone();
                match wrong {
                    None => drop(body.as_object_mut().expect("an object").remove(field)),
                    Some(value) => body[field] = value,
                }
                let answer = customer.post(verb, &body).await;
                answer.is_error(StatusCode::BAD_REQUEST, "invalid_request_payload", "Invalid request payload");
            }
        }
    }
    let keys: Vec<String> = service.redis().await.keys("*ticket*").await.expect("Redis answers");
    assert_eq!(keys, Vec::<String>::new());
    assert_eq!(service.stores.status(&ticket).await, "available");
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_an_invalid_request_payload() {
    let service = Service::start().await;
    let answer = service.customer().post_text("reserve", format!("\"{}\"", "x".repeat(10 << 20))).await;
    answer.is_error(StatusCode::BAD_REQUEST, "invalid_request_payload", "Invalid request payload");
}

#[tokio::test]
async fn unknown_routes_and_methods_answer_in_json() {
    let service = Service::start().await;
    let answer = crate::customer::Answer::read(service.get("/api/v1/booking/seats").await).await;
    answer.is_error(StatusCode::NOT_FOUND, "not_found", "Not found");
    let answer = crate::customer::Answer::read(service.get("/api/v1/booking/tickets/reserve").await).await;
    answer.is_error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed");
}

#[tokio::test]
async fn reservations_and_sales_are_counted_by_outcome() {
    let service = Service::start().await;
    let (ticket, customer) = (service.given_ticket().await, service.customer());
    customer.reserve(&ticket).await.is_ok();
    customer.reserve(&ticket).await.is_ok();
    service.customer().reserve(&ticket).await.is_not_available();
    customer.confirm(&ticket).await.is_ok();
    let metrics = service.get("/metrics").await.text().await.expect("a body");
    for counted in [
        r#"booking_reservations_total{outcome="held_now"} 1"#,
        r#"booking_reservations_total{outcome="repeated"} 1"#,
        r#"booking_reservations_total{outcome="held"} 1"#,
        r#"booking_sales_total{outcome="sold"} 1"#,
        "booking_sale_seconds_count 1",
    ] {
        assert!(metrics.contains(counted), "{counted} is not in\n{metrics}");
    }
}
