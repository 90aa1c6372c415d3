//! Payments through Stripe, up to each of their ends.

use std::time::Duration;

use booking::{PaymentSettings, Settings};
use fake_stripe::{Call, Fault, Status, When};
use reqwest::{Method, StatusCode};
use serde_json::json;
use testbed::eventually;
use uuid::Uuid;

use crate::{
    holds::hold,
    orders::{of_order, order_body, show_order, states},
    paid_shop::{PRICE, Shop, order_of, save},
    service::process,
};

#[tokio::test]
async fn the_money_is_set_aside_the_tickets_are_booked_and_the_money_is_taken() {
    let shop = Shop::open().await;
    let order = shop.order(&shop.saved_card("pm_card_visa").await).await;
    assert_eq!((order.status, &order.body["state"]), (201, &json!("booked")), "{order:?}");
    assert_eq!(order.body["payment"], json!({"provider": "stripe", "state": "captured"}));
    assert_eq!(states(&order), ["pending", "paying", "booked"]);
    let payment = shop.payment();
    assert_eq!((payment.captured, payment.refunded, payment.capturable), (2 * PRICE, 0, 0));
    assert_eq!(payment.order_uuid(), Some(order_of(&order).as_str()));
    for ticket in &shop.tickets {
        assert_eq!(shop.service.stores.buyers(ticket).await, [shop.customer.uuid.as_str()]);
    }
    assert!(shop.service.shown_as_reserved(&shop.event).await.is_empty());
}

#[tokio::test]
async fn the_contracts_confirm_takes_the_payment_and_its_repeat_takes_nothing_more() {
    let shop = Shop::open().await;
    let method = shop.saved_card("pm_card_visa").await;
    shop.customer.reserve(&shop.tickets[0]).await.is_ok();
    shop.confirm(&method).await.is_ok();
    shop.confirm(&method).await.is_ok();
    assert_eq!(shop.payment().captured, PRICE);
}

#[tokio::test]
async fn a_declined_card_is_a_402_and_the_hold_stays_for_another_card() {
    let shop = Shop::open().await;
    let (declined, good) = (shop.saved_card("pm_card_chargeCustomerFail").await, shop.saved_card("pm_card_visa").await);
    shop.customer.reserve(&shop.tickets[0]).await.is_ok();
    let answer = shop.confirm(&declined).await;
    answer.is_error(StatusCode::PAYMENT_REQUIRED, "payment_declined", "Payment was declined");
    shop.nothing_is_sold().await;
    shop.service.customer().reserve(&shop.tickets[0]).await.is_not_available();
    shop.confirm(&good).await.is_ok();
    let captured: Vec<i64> = shop.stripe.payments().iter().map(|payment| payment.captured).collect();
    assert_eq!(captured, [0, PRICE]);
}

#[tokio::test]
async fn a_payment_method_belongs_to_one_user_and_anothers_is_refused() {
    let shop = Shop::open().await;
    let reference = format!("pm_card_visa_{}", Uuid::new_v4().simple());
    let method = save(&shop.customer, &reference).await;
    assert_eq!(save(&shop.customer, &reference).await, method, "the owner's repeat is the same method");
    let thief = shop.service.customer();
    let body = json!({"user_uuid": thief.uuid, "provider_reference": reference});
    let stolen = thief.call(Method::POST, "payment-methods", Some(&body)).await;
    assert_eq!((stolen.status, &stolen.body["error"]), (402, &json!("payment_method_refused")));
    thief.reserve(&shop.tickets[0]).await.is_ok();
    for method in [method, Uuid::new_v4().to_string()] {
        let body = json!({"ticket_uuid": shop.tickets[0].uuid, "user_uuid": thief.uuid, "payment_method_uuid": method});
        let refused = thief.post("confirm", &body).await;
        assert_eq!((refused.status, &refused.body["error"]), (402, &json!("payment_method_refused")));
    }
    assert!(shop.stripe.payments().is_empty());
    shop.nothing_is_sold().await;
}

#[tokio::test]
async fn a_payment_method_that_stripe_does_not_know_is_refused() {
    let shop = Shop::open().await;
    for reference in ["pm_unknown", "pm_card_chargeDeclined"] {
        let body = json!({"user_uuid": shop.customer.uuid, "provider_reference": reference});
        let refused = shop.customer.call(Method::POST, "payment-methods", Some(&body)).await;
        assert_eq!((refused.status, &refused.body["error"]), (402, &json!("payment_method_refused")));
    }
    for reference in ["", "../customers", "pm_card_visa?expand=1"] {
        let body = json!({"user_uuid": shop.customer.uuid, "provider_reference": reference});
        assert_eq!(shop.customer.call(Method::POST, "payment-methods", Some(&body)).await.status, 400);
    }
}

#[tokio::test]
async fn a_payment_that_needs_its_customer_waits_and_keeps_the_seats_until_the_customer_acted() {
    let shop = Shop::open_with(|settings| Settings {
        limits: seats::HoldLimits::of_length(Duration::from_secs(1)),
        ..settings
    })
    .await;
    let order = shop.order(&shop.saved_card("pm_card_authenticationRequired").await).await;
    assert_eq!((order.status, &order.body["state"]), (202, &json!("paying")), "{order:?}");
    let secret = &order.body["next_action"]["client_secret"];
    assert!(secret.as_str().is_some_and(|secret| secret.starts_with("pi_")), "{order:?}");
    let seen = show_order(&shop.customer, &order_of(&order)).await;
    assert_eq!(&seen.body["next_action"]["client_secret"], secret);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    shop.service.customer().reserve(&shop.tickets[0]).await.is_not_available();
    shop.stripe.complete_action(&shop.payment().intent);
    shop.order_gets(&order_of(&order), "booked").await;
    assert_eq!(shop.payment().captured, 2 * PRICE);
}

#[tokio::test]
async fn the_contracts_confirm_says_that_the_customer_must_act_and_its_repeat_finishes_it() {
    let shop = Shop::open().await;
    let method = shop.saved_card("pm_card_authenticationRequired").await;
    shop.customer.reserve(&shop.tickets[0]).await.is_ok();
    for _ in 0..2 {
        let answer = shop.confirm(&method).await;
        assert_eq!((answer.status, &answer.body["error"]), (402, &json!("payment_requires_action")));
    }
    shop.stripe.complete_action(&shop.payment().intent);
    shop.confirm(&method).await.is_ok();
    assert_eq!(shop.payment().captured, PRICE);
}

#[tokio::test]
async fn a_customer_who_fails_to_act_has_bought_nothing_and_keeps_the_hold() {
    let shop = Shop::open().await;
    let order = shop.order(&shop.saved_card("pm_card_authenticationRequired").await).await;
    shop.stripe.fail_action(&shop.payment().intent);
    shop.order_gets(&order_of(&order), "cancelled").await;
    shop.payment_gets("the payment is ended", |payment| payment.status == Status::Canceled).await;
    shop.nothing_is_sold().await;
    let again = shop.order(&shop.saved_card("pm_card_visa").await).await;
    assert_eq!(again.status, 201, "{again:?}");
}

#[tokio::test]
async fn a_customer_who_does_not_act_in_time_has_bought_nothing_and_others_get_the_seats() {
    let shop = Shop::open_with(|mut settings| {
        if let PaymentSettings::Stripe(stripe) = &mut settings.payments {
            stripe.payment_time = Duration::from_secs(1);
        }
        Settings { limits: seats::HoldLimits::of_length(Duration::from_secs(1)), ..settings }
    })
    .await;
    let order = shop.order(&shop.saved_card("pm_card_authenticationRequired").await).await;
    shop.order_gets(&order_of(&order), "cancelled").await;
    assert_eq!(show_order(&shop.customer, &order_of(&order)).await.body["reason"], "payment_expired");
    shop.payment_gets("the payment is ended", |payment| payment.status == Status::Canceled).await;
    let other = shop.service.customer();
    eventually("another gets the seats", async || other.reserve(&shop.tickets[0]).await.status == 200).await;
}

#[tokio::test]
async fn an_order_that_waits_can_be_cancelled_by_its_user_alone() {
    let shop = Shop::open().await;
    let order = shop.order(&shop.saved_card("pm_card_authenticationRequired").await).await;
    assert_eq!(of_order(&shop.service.customer(), "cancel", &order, None).await.status, 404);
    let cancelled = of_order(&shop.customer, "cancel", &order, None).await;
    assert_eq!((cancelled.status, &cancelled.body["state"]), (200, &json!("cancelled")), "{cancelled:?}");
    assert_eq!(shop.payment().status, Status::Canceled);
    assert_eq!(of_order(&shop.customer, "cancel", &order, None).await.status, 200);
    assert_eq!(shop.order(&shop.saved_card("pm_card_visa").await).await.status, 201, "the hold came back");
}

#[tokio::test]
async fn a_payment_is_voided_when_a_ticket_is_gone_after_the_authorization() {
    let shop = Shop::open().await;
    let order = shop.order(&shop.saved_card("pm_card_authenticationRequired").await).await;
    sqlx::query("UPDATE tickets SET status = 'booked' WHERE uuid = $1")
        .bind(shop.tickets[1].uuid)
        .execute(shop.service.stores.pool())
        .await
        .expect("booked by hand");
    shop.stripe.complete_action(&shop.payment().intent);
    shop.order_gets(&order_of(&order), "cancelled").await;
    shop.payment_gets("the money is let go", |payment| payment.status == Status::Canceled).await;
    assert_eq!(shop.payment().captured, 0);
    assert_eq!(shop.service.stores.status(&shop.tickets[0]).await, "available");
    assert!(shop.service.shown_as_reserved(&shop.event).await.is_empty());
}

#[tokio::test]
async fn tickets_are_given_back_when_the_money_cannot_be_taken() {
    for card in ["pm_fake_authorizationExpires", "pm_fake_captureRefused"] {
        let shop = Shop::open().await;
        let answer = shop.order(&shop.saved_card(card).await).await;
        assert!(matches!(answer.status, 402 | 202), "{card}: {answer:?}");
        eventually("the tickets are given back", async || {
            shop.make_the_worker_look().await;
            shop.service.stores.status(&shop.tickets[0]).await == "available"
        })
        .await;
        let payment = shop.payment();
        assert_eq!(payment.captured, payment.refunded, "{card}: {payment:?}");
    }
}

#[tokio::test]
async fn answers_of_stripe_that_are_lost_lead_to_one_payment_and_one_sale() {
    let shop = Shop::open().await;
    let method = shop.saved_card("pm_card_visa").await;
    for call in [Call::CreateIntent, Call::CaptureIntent] {
        shop.stripe.fail(call, When::Next(4), Fault::AnswerLost);
    }
    let order = shop.order(&method).await;
    assert!(matches!(order.status, 201 | 202), "{order:?}");
    shop.order_gets(&order_of(&order), "booked").await;
    assert_eq!(shop.payment().captured, 2 * PRICE);
}

#[tokio::test]
async fn stripe_down_keeps_the_order_and_the_seats_and_it_is_finished_when_stripe_is_back() {
    let shop = Shop::open().await;
    let method = shop.saved_card("pm_card_visa").await;
    shop.stripe.fail_any(When::Chance(1.0), Fault::ServerError);
    let order = shop.order(&method).await;
    assert_eq!((order.status, &order.body["state"]), (202, &json!("pending")), "{order:?}");
    shop.service.customer().reserve(&shop.tickets[0]).await.is_not_available();
    shop.stripe.clear_faults();
    shop.order_gets(&order_of(&order), "booked").await;
    assert_eq!(shop.payment().captured, 2 * PRICE);
}

#[tokio::test]
async fn a_refund_gives_back_all_that_was_taken_even_when_stripe_is_down_at_first() {
    let shop = Shop::open().await;
    let order = shop.order(&shop.saved_card("pm_card_visa").await).await;
    shop.stripe.fail(Call::CreateRefund, When::Next(4), Fault::ServerError);
    let refunded = of_order(&shop.customer, "refund", &order, Some("r-1")).await;
    assert_eq!((refunded.status, &refunded.body["state"]), (200, &json!("refunded")), "{refunded:?}");
    shop.payment_gets("the money is given back", |payment| payment.refunded == 2 * PRICE).await;
    of_order(&shop.customer, "refund", &order, Some("r-1")).await;
    assert_eq!(shop.payment().refunded, 2 * PRICE);
    shop.nothing_is_sold().await;
    let seen = show_order(&shop.customer, &order_of(&order)).await;
    assert_eq!(states(&seen), ["pending", "paying", "booked", "refunded"]);
}

#[tokio::test]
async fn a_replica_that_dies_in_the_middle_of_a_payment_is_followed_by_another_that_finishes_it() {
    let shop = Shop::open().await;
    let doomed = process(&shop.service.stores, shop.stripe.environment()).await;
    let method = shop.saved_card("pm_card_visa").await;
    let held = hold(&shop.customer, &shop.event, &shop.tickets).await;
    shop.stripe.fail(Call::CaptureIntent, When::Next(1), Fault::SlowEffect(Duration::from_secs(2)));
    let body = order_body(&shop.customer, &held.body["hold_uuid"], &method);
    let asked = shop.service.client.post(format!("{}/api/v1/booking/orders", doomed.url)).body(body.to_string());
    let answer = tokio::spawn(asked.send());
    eventually("the tickets are booked", async || shop.service.stores.status(&shop.tickets[0]).await == "booked").await;
    doomed.kill();
    answer.await.expect("asked").expect_err("no answer");
    let orders = shop.customer.call(Method::GET, &format!("orders?user_uuid={}", shop.customer.uuid), None).await;
    let order = orders.body["orders"][0]["order_uuid"].as_str().expect("an order").to_owned();
    shop.order_gets(&order, "booked").await;
    assert_eq!(shop.payment().captured, 2 * PRICE);
    eventually("the seats are marked as sold", async || shop.service.shown_as_reserved(&shop.event).await.is_empty())
        .await;
}
