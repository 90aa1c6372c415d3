//! Webhook events and their signatures.

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;
use uuid::Uuid;

/// An event: something that happened to an object.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// `evt_…`. An event that is sent twice keeps its id.
    pub id: String,
    object: &'static str,
    /// The kind, such as `payment_intent.succeeded`.
    #[serde(rename = "type")]
    pub kind: String,
    api_version: &'static str,
    created: i64,
    livemode: bool,
    pending_webhooks: u32,
    data: Value,
}

impl Event {
    /// A new event about the object as it is now.
    #[must_use]
    pub fn new(kind: &str, object: Value) -> Self {
        Self {
            id: format!("evt_{}", Uuid::new_v4().simple()),
            object: "event",
            kind: kind.to_owned(),
            api_version: "2026-06-30",
            created: OffsetDateTime::now_utc().unix_timestamp(),
            livemode: false,
            pending_webhooks: 1,
            data: json!({ "object": object }),
        }
    }

    /// The event, signed now.
    #[must_use]
    pub fn signed(&self, secret: &str) -> SignedEvent {
        self.signed_at(secret, OffsetDateTime::now_utc())
    }

    /// The event, signed at another time.
    ///
    /// # Panics
    /// Never: an event is JSON.
    #[must_use]
    pub fn signed_at(&self, secret: &str, at: OffsetDateTime) -> SignedEvent {
        let body = serde_json::to_string(self).expect("an event is JSON");
        let signature = signature(secret, at.unix_timestamp(), &body);
        SignedEvent { body, signature }
    }
}

/// A webhook's body and its `Stripe-Signature`.
#[derive(Debug, Clone)]
pub struct SignedEvent {
    /// The event, exactly as it was signed.
    pub body: String,
    /// The value of the header `Stripe-Signature`.
    pub signature: String,
}

/// `t=…,v1=HMAC-SHA256("{t}.{body}")`, see <https://docs.stripe.com/webhooks#verify-manually>.
fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{timestamp}.{body}").as_bytes());
    format!("t={timestamp},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_timestamp_and_the_body() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
        let expected = "t=1700000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
        assert_eq!(signature("whsec_test", 1_700_000_000, "{}"), expected);
    }

    #[test]
    fn another_secret_or_time_makes_another_signature() {
        let event = Event::new("payment_intent.succeeded", json!({"id": "pi_1"}));
        let at = OffsetDateTime::UNIX_EPOCH;
        assert_ne!(event.signed_at("a", at).signature, event.signed_at("b", at).signature);
        assert_ne!(event.signed("a").signature, event.signed_at("a", at).signature);
    }
}
