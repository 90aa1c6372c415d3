//! Idempotency keys.

use std::time::Duration;

use fake_stripe::{Call, Fault, When};

use crate::client::{Shop, order_form};

#[tokio::test]
async fn a_repeat_under_the_same_key_gets_the_first_answer_and_does_nothing() {
    let shop = Shop::open().await;
    let customer = shop.given_customer_with("pm_card_visa_1").await;
    let form = order_form(&customer, "pm_card_visa_1");
    let first = shop.post_with_key("/v1/payment_intents", &form, "k-1").await;
    let again = shop.post_with_key("/v1/payment_intents", &form, "k-1").await;
    let other = shop.post_with_key("/v1/payment_intents", &form, "k-2").await;
    assert_eq!((first.replayed, again.replayed, &again.body), (false, true, &first.body));
    assert_ne!(other.id(), first.id());
    assert_eq!(shop.stripe.payments().len(), 2);
}

#[tokio::test]
async fn a_declined_payment_stays_declined_under_its_key() {
    let shop = Shop::open().await;
    let customer = shop.given_customer_with("pm_card_chargeCustomerFail_1").await;
    let form = order_form(&customer, "pm_card_chargeCustomerFail_1");
    for replayed in [false, true] {
        let declined = shop.post_with_key("/v1/payment_intents", &form, "k-1").await;
        declined.is_error(402, "card_error", Some("card_declined"));
        assert_eq!(declined.replayed, replayed);
    }
    assert_eq!(shop.stripe.payments().len(), 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_parameters() {
    let shop = Shop::open().await;
    let customer = shop.given_customer_with("pm_card_visa_1").await;
    let form = order_form(&customer, "pm_card_visa_1");
    shop.post_with_key("/v1/payment_intents", &form, "k-1").await;
    let reused = shop.post_with_key("/v1/payment_intents", &form[..4], "k-1").await;
    reused.is_error(400, "idempotency_error", None);
}

#[tokio::test]
async fn what_failed_validation_does_not_use_up_its_key() {
    let shop = Shop::open().await;
    let customer = shop.given_customer_with("pm_card_visa_1").await;
    let form = order_form(&customer, "pm_card_visa_1");
    shop.post_with_key("/v1/payment_intents", &form[..1], "k-1").await.is_error(
        400,
        "invalid_request_error",
        Some("parameter_missing"),
    );
    assert_eq!(shop.post_with_key("/v1/payment_intents", &form, "k-1").await.status, 200);
}

#[tokio::test]
async fn a_key_whose_request_is_under_way_is_in_use() {
    let shop = Shop::open().await;
    shop.stripe.fail(Call::CreateCustomer, When::Next(1), Fault::SlowEffect(Duration::from_millis(500)));
    let slow = shop.post_with_key("/v1/customers", &[], "k-1");
    let second = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        shop.post_with_key("/v1/customers", &[], "k-1").await
    };
    let (slow, second) = tokio::join!(slow, second);
    assert_eq!(slow.status, 200);
    second.is_error(409, "idempotency_error", Some("idempotency_key_in_use"));
}
