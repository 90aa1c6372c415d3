//! The fake's answers beside those of Stripe's own mock: what the fake says has the names and the kinds that Stripe's have.

use serde_json::Value;
use testbed::StripeMock;

use crate::client::{Answer, Shop, order_form};

/// The calls that booking makes, and what they answer.
async fn answers(shop: &Shop) -> Vec<(&'static str, Answer)> {
    let customer = shop.post("/v1/customers", &[("metadata[user_uuid]", "u-1")]).await;
    let customer_id = customer.id();
    let attached = shop.post("/v1/payment_methods/pm_card_visa/attach", &[("customer", &customer_id)]).await;
    let method = attached.id();
    let intents = [
        shop.post("/v1/payment_intents", &order_form(&customer_id, &method)).await,
        shop.post("/v1/payment_intents", &order_form(&customer_id, &method)).await,
    ];
    let [captured, canceled] = intents.each_ref().map(|intent| format!("/v1/payment_intents/{}", intent.id()));
    let [authorised, _] = intents.clone();
    vec![
        ("customer", customer),
        ("attached", attached),
        ("authorised", authorised),
        ("seen", shop.get(&captured).await),
        ("captured", shop.post(&format!("{captured}/capture"), &[]).await),
        ("refunded", shop.post("/v1/refunds", &[("payment_intent", &intents[0].id())]).await),
        ("canceled", shop.post(&format!("{canceled}/cancel"), &[]).await),
    ]
}

#[tokio::test]
async fn the_fake_answers_in_the_shape_of_stripes_own() {
    let mock = StripeMock::start().await;
    let (fake, real) = (Shop::open().await, Shop::at(mock.base_url()).await);
    for ((call, fake), (_, real)) in answers(&fake).await.into_iter().zip(answers(&real).await) {
        assert_eq!((fake.status, real.status), (200, 200), "{call}: {fake:?} {real:?}");
        let mut differences = vec![];
        compare(call, &fake.body, &real.body, &mut differences);
        assert!(differences.is_empty(), "{differences:#?}");
    }
}

/// Notes what the fake has and Stripe has not, or has as something else. Stripe's fixtures leave out (as `null`) what this
/// payment has, and names within metadata are the shop's own.
fn compare(path: &str, fake: &Value, real: &Value, differences: &mut Vec<String>) {
    match (fake, real) {
        (Value::Object(fake), Value::Object(real)) if !path.ends_with(".metadata") => {
            for (name, value) in fake {
                let path = format!("{path}.{name}");
                match real.get(name) {
                    Some(real) => compare(&path, value, real, differences),
                    None => differences.push(format!("{path}: unknown to Stripe")),
                }
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        _ if std::mem::discriminant(fake) == std::mem::discriminant(real) => {}
        _ => differences.push(format!("{path}: {fake} is not of the kind of {real}")),
    }
}
