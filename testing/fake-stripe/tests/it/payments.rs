//! The life of a payment.

use fake_stripe::{Call, SECRET_KEY, Status};
use rstest::rstest;

use crate::client::{Shop, order_form};

#[tokio::test]
async fn a_payment_is_authorised_captured_and_refunded() {
    let shop = Shop::open().await;
    let authorised = shop.authorize("pm_card_visa_1").await;
    let id = authorised.id();
    assert_eq!(authorised.body["status"], "requires_capture");
    assert_eq!(authorised.body["amount_capturable"], 35_000);
    assert_eq!(authorised.body["metadata"]["order_uuid"], "o-1");

    let captured = shop.post(&format!("/v1/payment_intents/{id}/capture"), &[]).await;
    assert_eq!((&captured.body["status"], &captured.body["amount_received"]), (&"succeeded".into(), &35_000.into()));
    assert_eq!(shop.get(&format!("/v1/payment_intents/{id}")).await.body, captured.body);

    let refunded = shop.post("/v1/refunds", &[("payment_intent", &id)]).await;
    assert_eq!((&refunded.body["amount"], &refunded.body["status"]), (&35_000.into(), &"succeeded".into()));
    assert_eq!(shop.get(&format!("/v1/refunds/{}", refunded.id())).await.body, refunded.body);
    shop.post("/v1/refunds", &[("payment_intent", &id)]).await.is_error(
        400,
        "invalid_request_error",
        Some("charge_already_refunded"),
    );

    let payments = shop.stripe.payments_of("o-1");
    assert_eq!(payments.len(), 1);
    assert_eq!((payments[0].captured, payments[0].refunded), (35_000, 35_000));
    assert_eq!(shop.stripe.calls(Call::CreateRefund), 2);
}

#[tokio::test]
async fn a_payment_can_be_taken_in_part_and_given_back_in_parts() {
    let shop = Shop::open().await;
    let id = shop.authorize("pm_card_visa_1").await.id();
    shop.post(&format!("/v1/payment_intents/{id}/capture"), &[("amount_to_capture", "1000")]).await;
    shop.post("/v1/refunds", &[("payment_intent", &id), ("amount", "400")]).await;
    shop.post("/v1/refunds", &[("payment_intent", &id), ("amount", "700")]).await.is_error(
        400,
        "invalid_request_error",
        None,
    );
    let payment = shop.stripe.payment(&id);
    assert_eq!((payment.captured, payment.refunded), (1_000, 400));
}

#[tokio::test]
async fn a_declined_card_leaves_an_intent_that_another_card_can_pay() {
    let shop = Shop::open().await;
    let declined = shop.authorize("pm_card_chargeCustomerFail_1").await;
    declined.is_error(402, "card_error", Some("card_declined"));
    assert_eq!(declined.body["error"]["decline_code"], "generic_decline");
    let intent = &declined.body["error"]["payment_intent"];
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["last_payment_error"]["code"], "card_declined");
    let id = intent["id"].as_str().expect("an id");
    let paid =
        shop.post(&format!("/v1/payment_intents/{id}/confirm"), &[("payment_method", "pm_card_mastercard")]).await;
    assert_eq!(paid.body["status"], "requires_capture");
}

#[tokio::test]
async fn a_card_whose_bank_declines_cannot_even_be_saved() {
    let shop = Shop::open().await;
    let customer = shop.post("/v1/customers", &[]).await.id();
    let path = "/v1/payment_methods/pm_card_chargeDeclinedInsufficientFunds_1/attach";
    let declined = shop.post(path, &[("customer", &customer)]).await;
    declined.is_error(402, "card_error", Some("card_declined"));
    assert_eq!(declined.body["error"]["decline_code"], "insufficient_funds");
}

#[rstest]
#[case::authentication("pm_card_authenticationRequired_1", Status::RequiresAction)]
#[case::a_slow_bank("pm_fake_processing_1", Status::Processing)]
#[tokio::test]
async fn what_waits_for_somebody_is_decided_by_the_test(#[case] method: &str, #[case] waiting: Status) {
    let shop = Shop::open().await;
    let (first, second) = (shop.authorize(method).await.id(), shop.authorize(&format!("{method}2")).await.id());
    assert_eq!(shop.stripe.undecided().iter().map(|payment| payment.status).collect::<Vec<_>>(), [waiting; 2]);
    shop.post(&format!("/v1/payment_intents/{first}/capture"), &[]).await.is_error(
        400,
        "invalid_request_error",
        Some("payment_intent_unexpected_state"),
    );
    shop.stripe.complete_action(&first);
    shop.stripe.fail_action(&second);
    assert_eq!(shop.stripe.payment(&first).status, Status::RequiresCapture);
    assert_eq!(shop.stripe.payment(&second).status, Status::RequiresPaymentMethod);
    assert!(shop.get(&format!("/v1/payment_intents/{second}")).await.body["last_payment_error"].is_object());
}

#[tokio::test]
async fn all_that_waits_can_be_decided_at_once() {
    let shop = Shop::open().await;
    let mut waiting = vec![];
    for number in 0..3 {
        waiting.push(shop.authorize(&format!("pm_card_authenticationRequired_{number}")).await.id());
    }
    shop.stripe.decide_all(|payment| payment.intent == waiting[0]);
    let statuses = waiting.iter().map(|intent| shop.stripe.payment(intent).status);
    let (yes, no) = (Status::RequiresCapture, Status::RequiresPaymentMethod);
    assert_eq!(statuses.collect::<Vec<_>>(), [yes, no, no]);
    assert!(shop.stripe.undecided().is_empty());
}

#[tokio::test]
async fn an_authorisation_that_ran_out_cannot_be_captured() {
    let shop = Shop::open().await;
    let id = shop.authorize("pm_fake_authorizationExpires_1").await.id();
    let refused = shop.post(&format!("/v1/payment_intents/{id}/capture"), &[]).await;
    refused.is_error(400, "invalid_request_error", Some("payment_intent_unexpected_state"));
    assert_eq!(refused.body["error"]["payment_intent"]["status"], "canceled");
    assert_eq!(refused.body["error"]["payment_intent"]["cancellation_reason"], "automatic");

    let id = shop.authorize("pm_fake_captureRefused_1").await.id();
    let refused = shop.post(&format!("/v1/payment_intents/{id}/capture"), &[]).await;
    refused.is_error(400, "invalid_request_error", Some("charge_expired_for_capture"));
    assert_eq!(shop.stripe.payment(&id).captured, 0);
}

#[tokio::test]
async fn what_is_cancelled_or_captured_cannot_be_cancelled_or_captured_again() {
    let shop = Shop::open().await;
    let (cancelled, captured) =
        (shop.authorize("pm_card_visa_1").await.id(), shop.authorize("pm_card_visa_2").await.id());
    let cancel = async |id: &str| shop.post(&format!("/v1/payment_intents/{id}/cancel"), &[]).await;
    let capture = async |id: &str| shop.post(&format!("/v1/payment_intents/{id}/capture"), &[]).await;
    assert_eq!(cancel(&cancelled).await.body["status"], "canceled");
    assert_eq!(capture(&captured).await.body["status"], "succeeded");
    for refused in
        [cancel(&cancelled).await, cancel(&captured).await, capture(&cancelled).await, capture(&captured).await]
    {
        refused.is_error(400, "invalid_request_error", Some("payment_intent_unexpected_state"));
    }
    shop.post("/v1/refunds", &[("payment_intent", &cancelled)]).await.is_error(400, "invalid_request_error", None);
}

#[tokio::test]
async fn a_method_is_its_customer_s_alone() {
    let shop = Shop::open().await;
    shop.given_customer_with("pm_card_visa_1").await;
    let other = shop.post("/v1/customers", &[]).await.id();
    let attached = shop.post("/v1/payment_methods/pm_card_visa_1/attach", &[("customer", &other)]).await;
    attached.is_error(400, "invalid_request_error", None);
    let paid = shop.post("/v1/payment_intents", &order_form(&other, "pm_card_visa_1")).await;
    paid.is_error(400, "invalid_request_error", None);
    // A name alone is a pattern: each customer gets a method of their own.
    let saved = shop.post("/v1/payment_methods/pm_card_visa/attach", &[("customer", &other)]).await;
    assert!(saved.id().starts_with("pm_card_visa_"), "{saved:?}");
}

#[tokio::test]
async fn what_is_not_there_is_missing_and_what_cannot_be_read_is_named() {
    let shop = Shop::open().await;
    let customer = shop.post("/v1/customers", &[]).await.id();
    for path in ["/v1/payment_intents/pi_x/capture", "/v1/payment_intents/pi_x/cancel"] {
        shop.post(path, &[]).await.is_error(404, "invalid_request_error", Some("resource_missing"));
    }
    for path in ["/v1/payment_intents/pi_x", "/v1/payment_methods/pm_x"] {
        shop.get(path).await.is_error(404, "invalid_request_error", Some("resource_missing"));
    }
    let attached = shop.post("/v1/payment_methods/pm_x/attach", &[("customer", &customer)]).await;
    attached.is_error(404, "invalid_request_error", Some("resource_missing"));
    shop.get("/v1/balance").await.is_error(404, "invalid_request_error", None);
    let form = order_form(&customer, "pm_card_visa");
    for (name, value, code) in [
        ("amount", "many", "parameter_invalid_integer"),
        ("amount", "10", "amount_too_small"),
        ("currency", "EURO", "parameter_invalid_string"),
        ("confirm", "yes", "parameter_invalid_boolean"),
        ("capture_method", "later", "parameter_invalid_string"),
    ] {
        let wrong = form.map(|(other, right)| if other == name { (name, value) } else { (other, right) });
        let refused = shop.post("/v1/payment_intents", &wrong).await;
        refused.is_error(400, "invalid_request_error", Some(code));
        assert_eq!(refused.body["error"]["param"], name);
    }
    shop.post("/v1/payment_intents", &[("amuont", "1")]).await.is_error(
        400,
        "invalid_request_error",
        Some("parameter_unknown"),
    );
}

#[tokio::test]
async fn only_the_right_key_and_form_encoding_are_taken() {
    let shop = Shop::open().await;
    let url = format!("{}/v1/customers", shop.stripe.base_url());
    let without = shop.client.post(&url).send().await.expect("an answer");
    let wrong = shop.client.post(&url).bearer_auth("sk_test_other").send().await.expect("an answer");
    let json = shop.client.post(&url).bearer_auth(SECRET_KEY).header("content-type", "application/json").body("{}");
    assert_eq!((without.status().as_u16(), wrong.status().as_u16()), (401, 401));
    assert_eq!(json.send().await.expect("an answer").status(), 400);
}
