//! The calls against Stripe's own mock, which refuses any that does not have the shape of its API.

use ids::{OrderId, UserId};
use testbed::StripeMock;

use super::*;

fn stripe(mock: &StripeMock) -> Stripe {
    Stripe::new(mock.base_url().to_owned(), "sk_test_123".to_owned()).unwrap()
}

#[tokio::test]
async fn stripe_knows_every_call_and_its_answers_can_be_read() {
    let mock = StripeMock::start().await;
    let (stripe, order) = (stripe(&mock), OrderId::by_time());
    let customer = stripe.create_customer(UserId::random()).await.unwrap();
    let method = stripe.attach("pm_card_visa", &customer).await.unwrap();
    let wanted = Authorization { order, amount: 4_200, currency: "eur", customer: &customer, method: &method };
    let intent = stripe.authorize(wanted).await.unwrap();
    assert!(intent.id.starts_with("pi_"), "{intent:?}");
    assert!(intent.client_secret.is_some(), "{intent:?}");
    stripe.intent(&intent.id).await.unwrap();
    stripe.capture(&intent.id, order, 0).await.unwrap();
    stripe.cancel(&intent.id, order, 0).await.unwrap();
    stripe.refund(&intent.id, order, 0).await.unwrap();
}

#[tokio::test]
async fn a_call_that_stripe_does_not_know_is_refused_by_its_mock() {
    let mock = StripeMock::start().await;
    let refused: Result<Named, _> = stripe(&mock).post("/v1/customers", "key", &[("colour", "red")]).await;
    let refused = refused.map(|named| named.id).unwrap_err();
    assert!(matches!(&refused, StripeError::Refused { status, .. } if *status == StatusCode::BAD_REQUEST), "{refused}");
}
