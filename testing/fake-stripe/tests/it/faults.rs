//! Planned faults.

use std::time::Duration;

use fake_stripe::{Call, Fault, When};
use testbed::eventually;

use crate::client::{Shop, order_form};

#[tokio::test]
async fn an_answer_can_be_lost_after_the_effect_and_a_request_before_it() {
    let shop = Shop::open().await;
    let customer = shop.given_customer_with("pm_card_visa_1").await;
    let form = order_form(&customer, "pm_card_visa_1");
    for (fault, payments) in [(Fault::RequestLost, 0), (Fault::AnswerLost, 1)] {
        shop.stripe.fail(Call::CreateIntent, When::Next(1), fault);
        assert!(shop.try_post("/v1/payment_intents", &form, Some("k-1")).await.is_err());
        assert_eq!(shop.stripe.payments().len(), payments);
    }
    let again = shop.post_with_key("/v1/payment_intents", &form, "k-1").await;
    assert!(again.replayed);
    assert_eq!(shop.stripe.payments().len(), 1);
    assert_eq!((shop.stripe.calls(Call::CreateIntent), shop.stripe.faults_met()), (3, 2));
}

#[tokio::test]
async fn a_server_error_and_a_rate_limit_have_no_effect_and_a_repeat_is_judged_anew() {
    let shop = Shop::open().await;
    shop.stripe.fail(Call::CreateCustomer, When::Next(1), Fault::ServerError);
    shop.post_with_key("/v1/customers", &[], "k-1").await.is_error(500, "api_error", None);
    shop.stripe.fail_any(When::Every(2), Fault::RateLimited);
    assert_eq!(shop.post_with_key("/v1/customers", &[], "k-1").await.status, 200);
    let limited = shop.post_with_key("/v1/customers", &[], "k-2").await;
    limited.is_error(429, "invalid_request_error", Some("rate_limit"));
    shop.stripe.clear_faults();
    assert_eq!(shop.post_with_key("/v1/customers", &[], "k-2").await.status, 200);
}

#[tokio::test]
async fn a_server_error_can_be_kept_under_its_key_as_stripe_does() {
    let shop = Shop::open().await;
    shop.stripe.fail(Call::CreateCustomer, When::Next(1), Fault::ServerErrorForGood);
    for _ in 0..2 {
        shop.post_with_key("/v1/customers", &[], "k-1").await.is_error(500, "api_error", None);
    }
    assert_eq!(shop.post_with_key("/v1/customers", &[], "k-2").await.status, 200);
}

#[tokio::test]
async fn an_effect_can_come_after_the_client_went_away() {
    let shop = Shop::open().await;
    let id = shop.authorize("pm_card_visa_1").await.id();
    shop.stripe.fail(Call::CaptureIntent, When::Next(1), Fault::SlowEffect(Duration::from_millis(200)));
    let path = format!("/v1/payment_intents/{id}/capture");
    let gave_up = tokio::time::timeout(Duration::from_millis(50), shop.post(&path, &[])).await;
    assert!(gave_up.is_err());
    assert_eq!(shop.stripe.payment(&id).captured, 0);
    eventually("the payment is captured all the same", async || shop.stripe.payment(&id).captured > 0).await;
}
