//! Stripe's webhooks: signed, in any order, any number of times.

use std::time::Duration;

use fake_stripe::{Delivery, SignedEvent, Status, WEBHOOK_SECRET};
use rstest::rstest;
use testbed::eventually;
use time::OffsetDateTime;

use crate::paid_shop::{PRICE, Shop, order_of};

const PATH: &str = "/api/v1/booking/payments/stripe/webhook";

async fn send(shop: &Shop, event: &SignedEvent) -> u16 {
    let request = shop.service.client.post(format!("{}{PATH}", shop.service.replica.url));
    let request = request.header("stripe-signature", &event.signature).body(event.body.clone());
    request.send().await.expect("an answer").status().as_u16()
}

async fn stored(shop: &Shop) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM payment_events")
        .fetch_one(shop.service.stores.pool())
        .await
        .expect("PostgreSQL answers")
}

#[rstest]
#[case::normal(Delivery::Normal)]
#[case::duplicated(Delivery::Duplicated)]
#[case::out_of_order(Delivery::OutOfOrder)]
#[case::delayed(Delivery::Delayed(Duration::from_millis(300)))]
#[tokio::test]
async fn a_customer_who_acted_has_the_tickets_by_the_webhook_alone(#[case] delivery: Delivery) {
    let shop = Shop::open().await;
    shop.stripe.set_delivery(delivery);
    shop.stripe.send_webhooks_to(vec![format!("{}{PATH}", shop.service.replica.url)]);
    let order = shop.order(&shop.saved_card("pm_card_authenticationRequired").await).await;
    shop.stripe.complete_action(&shop.payment().intent);
    // Nobody makes the worker look: it would come in five seconds, the webhook comes at once.
    eventually("the order is booked", async || {
        let seen = crate::orders::show_order(&shop.customer, &order_of(&order)).await;
        seen.body["state"] == "booked"
    })
    .await;
    assert_eq!(shop.payment().captured, 2 * PRICE);
}

#[tokio::test]
async fn a_webhook_that_comes_again_is_stored_once_and_changes_nothing() {
    let shop = Shop::open().await;
    let order = shop.order(&shop.saved_card("pm_card_authenticationRequired").await).await;
    let intent = shop.payment().intent;
    shop.stripe.complete_action(&intent);
    let event = shop.stripe.event("payment_intent.amount_capturable_updated", &intent).signed(WEBHOOK_SECRET);
    for _ in 0..3 {
        assert_eq!(send(&shop, &event).await, 200);
    }
    assert_eq!(stored(&shop).await, 1);
    shop.order_gets(&order_of(&order), "booked").await;
    // What was true long ago: the payment failed, before the customer tried again.
    let late = shop.stripe.event("payment_intent.payment_failed", &intent).signed(WEBHOOK_SECRET);
    assert_eq!(send(&shop, &late).await, 200);
    shop.order_gets(&order_of(&order), "booked").await;
    assert_eq!(shop.payment().status, Status::Succeeded);
}

#[tokio::test]
async fn a_webhook_that_is_not_signed_by_stripe_now_changes_nothing() {
    let shop = Shop::open().await;
    shop.order(&shop.saved_card("pm_card_authenticationRequired").await).await;
    let event = shop.stripe.event("payment_intent.amount_capturable_updated", &shop.payment().intent);
    let old = event.signed_at(WEBHOOK_SECRET, OffsetDateTime::now_utc() - Duration::from_secs(3600));
    let changed =
        SignedEvent { body: format!("{} ", event.signed(WEBHOOK_SECRET).body), ..event.signed(WEBHOOK_SECRET) };
    let unsigned = SignedEvent { signature: String::new(), ..event.signed(WEBHOOK_SECRET) };
    for refused in [event.signed("whsec_other"), old, changed, unsigned] {
        assert_eq!(send(&shop, &refused).await, 400, "{refused:?}");
    }
    assert_eq!(stored(&shop).await, 0);
}

#[tokio::test]
async fn a_webhook_about_a_payment_that_is_not_ours_is_stored_and_ignored() {
    let shop = Shop::open().await;
    let order = shop.order(&shop.saved_card("pm_card_visa").await).await;
    let ours = shop.payment().intent;
    let event = shop.stripe.event("payment_intent.canceled", &ours).signed(WEBHOOK_SECRET);
    let other = fake_stripe::Event::new("payment_intent.canceled", serde_json::json!({"id": "pi_other"}));
    assert_eq!(send(&shop, &other.signed(WEBHOOK_SECRET)).await, 200);
    assert_eq!(send(&shop, &event).await, 200);
    shop.order_gets(&order_of(&order), "booked").await;
}
