//! Orders without a payment: made from a hold, listed, repeated under a key, given back.

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    customer::{Answer, Customer, insist},
    holds::hold,
    service::{Service, new_uuid},
};

pub(crate) fn order_body(customer: &Customer, hold: &Value, payment_method: &str) -> Value {
    json!({"hold_uuid": hold, "user_uuid": customer.uuid, "payment_method_uuid": payment_method})
}

async fn order_under_key(customer: &Customer, hold: &Answer, key: Option<&str>) -> Answer {
    let body = order_body(customer, &hold.body["hold_uuid"], "0b6a52f5-2d4c-4a57-8a4f-3f8f7f5f0009");
    customer.call_under_key(Method::POST, "orders", Some(&body), key).await
}

pub(crate) async fn of_order(customer: &Customer, verb: &str, order: &Answer, key: Option<&str>) -> Answer {
    let order = order.body["order_uuid"].as_str().expect("an order");
    let body = json!({"user_uuid": customer.uuid});
    customer.call_under_key(Method::POST, &format!("orders/{order}/{verb}"), Some(&body), key).await
}

pub(crate) async fn show_order(customer: &Customer, order: &str) -> Answer {
    customer.call(Method::GET, &format!("orders/{order}?user_uuid={}", customer.uuid), None).await
}

pub(crate) fn states(order: &Answer) -> Vec<&str> {
    let history = order.body["history"].as_array().expect("a history");
    history.iter().map(|entry| entry["state"].as_str().expect("a state")).collect()
}

#[tokio::test]
async fn an_order_buys_all_seats_of_its_hold() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(3).await;
    let customer = service.customer();
    let held = hold(&customer, &event, &tickets).await;
    let order = order_under_key(&customer, &held, None).await;
    assert_eq!(order.status, 201, "{order:?}");
    assert_eq!((&order.body["state"], &order.body["currency"]), (&json!("booked"), &json!("eur")));
    assert_eq!(order.body["amount"], 3 * testbed::given::PRICE);
    assert_eq!(order.body["tickets"].as_array().map(Vec::len), Some(3));
    assert_eq!(order.body["payment"], json!({"provider": "free"}));
    assert_eq!(states(&order), ["booked"]);
    for ticket in &tickets {
        assert_eq!(service.stores.buyers(ticket).await, [customer.uuid.as_str()]);
    }
    let seen = show_order(&customer, order.body["order_uuid"].as_str().expect("an order")).await;
    assert_eq!((seen.status, seen.body), (200, order.body));
}

#[tokio::test]
async fn an_order_needs_a_live_hold_of_its_user() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(1).await;
    let (owner, other) = (service.customer(), service.customer());
    let held = hold(&owner, &event, &tickets).await;
    order_under_key(&other, &held, None).await.is_not_reserved();
    order_under_key(&owner, &held, None).await;
    order_under_key(&owner, &held, None).await.is_not_reserved();
    assert_eq!(service.stores.buyers(&tickets[0]).await, [owner.uuid]);
}

/// A customer who wanted seats side by side does not want some of them.
#[tokio::test]
async fn a_hold_that_lost_a_seat_to_somebody_else_is_not_ordered_in_part() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(3).await;
    let (customer, other) = (service.customer(), service.customer());
    let held = hold(&customer, &event, &tickets).await;
    service.lose_hold(&event, &tickets[1]).await;
    other.reserve(&tickets[1]).await.is_ok();
    order_under_key(&customer, &held, None).await.is_not_reserved();
    for ticket in &tickets {
        assert_eq!(service.stores.status(ticket).await, "available");
    }
    // What is left can be held and ordered by itself.
    let rest = hold(&customer, &event, &[tickets[0].clone(), tickets[2].clone()]).await;
    assert_eq!(order_under_key(&customer, &rest, None).await.status, 201);
}

#[tokio::test]
async fn the_same_key_and_request_is_the_same_answer_and_another_request_is_a_conflict() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    let customer = service.customer();
    let first_hold = hold(&customer, &event, &tickets[..1]).await;
    let second_hold = hold(&customer, &event, &tickets[1..]).await;
    let asked = (0..8).map(|_| insist(|| order_under_key(&customer, &first_hold, Some("k-1"))));
    let mut answers = futures::future::join_all(asked).await;
    answers.push(order_under_key(&customer, &first_hold, Some("k-1")).await);
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &answers[0].body), "{answers:?}");
    }
    let other = order_under_key(&customer, &second_hold, Some("k-1")).await;
    assert_eq!((other.status, &other.body["error"]), (409, &json!("idempotency_key_reused")));
    assert_eq!(service.stores.buyers(&tickets[0]).await, [customer.uuid.as_str()]);
    assert!(service.stores.buyers(&tickets[1]).await.is_empty());
    assert_eq!(order_under_key(&customer, &second_hold, Some("k-2")).await.status, 201);
    // A key is its user's own.
    let stranger = service.customer();
    order_under_key(&stranger, &first_hold, Some("k-1")).await.is_not_reserved();
}

#[tokio::test]
async fn a_call_that_was_refused_leaves_no_key() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(1).await;
    let customer = service.customer();
    let nothing = Answer { status: 0, retry_after: None, body: json!({"hold_uuid": new_uuid()}) };
    order_under_key(&customer, &nothing, Some("k-1")).await.is_not_reserved();
    let held = hold(&customer, &event, &tickets).await;
    assert_eq!(order_under_key(&customer, &held, Some("k-1")).await.status, 201);
}

#[tokio::test]
async fn orders_are_listed_for_their_buyer_newest_first() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(3).await;
    let customer = service.customer();
    for ticket in &tickets {
        let held = hold(&customer, &event, std::slice::from_ref(ticket)).await;
        order_under_key(&customer, &held, None).await;
    }
    let list = |query: &'static str| {
        let customer = customer.clone();
        async move { customer.call(Method::GET, &format!("orders?user_uuid={}{query}", customer.uuid), None).await }
    };
    let first = list("&size=2").await;
    assert_eq!((first.status, &first.body["total"], &first.body["size"]), (200, &json!(3), &json!(2)));
    let seats = |answer: &Answer| -> Vec<String> {
        let orders = answer.body["orders"].as_array().expect("orders");
        orders.iter().map(|order| order["tickets"][0]["seat"].as_str().expect("a seat").to_owned()).collect()
    };
    assert_eq!(seats(&first), ["A3", "A2"]);
    assert_eq!(seats(&list("&size=2&page=2").await), ["A1"]);
    assert_eq!(seats(&list("&size=0&page=nothing").await).len(), 3);
    assert_eq!(list("&page=99999999").await.status, 400);
    let strangers = service.customer();
    let none = strangers.call(Method::GET, &format!("orders?user_uuid={}", strangers.uuid), None).await;
    assert_eq!((&none.body["orders"], &none.body["total"]), (&json!([]), &json!(0)));
    assert_eq!(strangers.call(Method::GET, "orders?user_uuid=me", None).await.status, 400);
}

/// The schema does not check these columns.
#[rstest]
#[case::event("UPDATE orders SET event_uuid = 'none' WHERE uuid = $1")]
#[case::ticket(
    "UPDATE order_tickets SET ticket_uuid = 'none' FROM orders WHERE orders.id = order_id AND orders.uuid = $1"
)]
#[tokio::test]
async fn an_order_that_cannot_be_read_does_not_hide_the_others(#[case] damage: &str) {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    let customer = service.customer();
    let mut orders = Vec::new();
    for ticket in &tickets {
        let held = hold(&customer, &event, std::slice::from_ref(ticket)).await;
        orders.push(order_under_key(&customer, &held, None).await.body["order_uuid"].clone());
    }
    let damaged = orders[0].as_str().expect("an order");
    let statement = sqlx::query(sqlx::AssertSqlSafe(damage)).bind(damaged);
    statement.execute(service.stores.pool()).await.expect("the damage is possible");
    let list = customer.call(Method::GET, &format!("orders?user_uuid={}", customer.uuid), None).await;
    assert_eq!((list.status, &list.body["total"]), (200, &json!(2)));
    let listed: Vec<&Value> =
        list.body["orders"].as_array().expect("orders").iter().map(|order| &order["order_uuid"]).collect();
    assert_eq!(listed, [&orders[1]]);
    assert_eq!(show_order(&customer, damaged).await.status, 500);
}

#[tokio::test]
async fn a_refunded_order_gives_its_seats_back_for_another_to_buy() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    let (customer, other) = (service.customer(), service.customer());
    let order = order_under_key(&customer, &hold(&customer, &event, &tickets).await, None).await;
    let refunded = of_order(&customer, "refund", &order, Some("r-1")).await;
    assert_eq!((refunded.status, &refunded.body["state"]), (200, &json!("refunded")), "{refunded:?}");
    assert_eq!(states(&refunded), ["booked", "refunded"]);
    assert_eq!(refunded.body["tickets"], order.body["tickets"], "what was sold stays written");
    let order_of_other = order_under_key(&other, &hold(&other, &event, &tickets).await, None).await;
    assert_eq!(order_of_other.status, 201, "{order_of_other:?}");
    for key in [Some("r-1"), None] {
        let again = of_order(&customer, "refund", &order, key).await;
        assert_eq!((again.status, &again.body["state"]), (200, &json!("refunded")));
    }
    for ticket in &tickets {
        assert_eq!(service.stores.status(ticket).await, "booked");
        other.reserve(ticket).await.is_not_available();
    }
}

#[tokio::test]
async fn only_a_booked_order_of_the_users_own_whose_event_is_ahead_can_be_refunded() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(2).await;
    let customer = service.customer();
    let first = order_under_key(&customer, &hold(&customer, &event, &tickets[..1]).await, None).await;
    let second = order_under_key(&customer, &hold(&customer, &event, &tickets[1..]).await, None).await;
    let foreign = of_order(&service.customer(), "refund", &first, None).await;
    assert_eq!((foreign.status, &foreign.body["error"]), (404, &json!("order_not_found")));
    assert_eq!(of_order(&customer, "refund", &first, Some("r-1")).await.status, 200);
    let other = of_order(&customer, "refund", &second, Some("r-1")).await;
    assert_eq!((other.status, &other.body["error"]), (409, &json!("idempotency_key_reused")));
    sqlx::query("UPDATE events SET date = now() - interval '1 hour'")
        .execute(service.stores.pool())
        .await
        .expect("the event is over");
    let late = of_order(&customer, "refund", &second, None).await;
    assert_eq!((late.status, &late.body["error"]), (409, &json!("order_not_refundable")));
    let late = of_order(&customer, "cancel", &second, None).await;
    assert_eq!((late.status, &late.body["error"]), (409, &json!("order_not_cancellable")));
    assert_eq!(service.stores.status(&tickets[1]).await, "booked");
}

#[rstest]
#[case::empty("")]
#[case::with_a_space("a b")]
#[case::too_long(&"k".repeat(256))]
#[tokio::test]
async fn a_key_that_is_none_is_an_invalid_request_payload(#[case] key: &str) {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(1).await;
    let customer = service.customer();
    let held = hold(&customer, &event, &tickets).await;
    let answer = order_under_key(&customer, &held, Some(key)).await;
    answer.is_error(StatusCode::BAD_REQUEST, "invalid_request_payload", "Invalid request payload");
    assert_eq!(service.stores.status(&tickets[0]).await, "available");
}

#[tokio::test]
async fn the_history_of_an_order_cannot_be_rewritten() {
    let service = Service::start().await;
    let (event, tickets) = service.given_event_with_seats(1).await;
    let customer = service.customer();
    order_under_key(&customer, &hold(&customer, &event, &tickets).await, None).await;
    for statement in
        ["UPDATE order_history SET state = 'cancelled'", "DELETE FROM order_history", "TRUNCATE order_history"]
    {
        let refused = sqlx::query(statement).execute(service.stores.pool()).await.expect_err("append-only");
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}
