//! Stripe's webhooks: signed, stored once, applied in the transaction that stores them.
//!
//! They come late, twice and in any order. What one says is a hint that moves a payment forward from the states in which that
//! makes sense; what is true is asked of Stripe by whoever drives the order next.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use ids::OrderId;
use serde::Deserialize;
use sha2::Sha256;
use sqlx::Connection;
use thiserror::Error;

use crate::{
    booking::Booking,
    orders::{
        OrderState,
        payment::PaymentState::{Authorized, Authorizing, Canceled, Canceling, Refunded, Refunding, RequiresAction},
        reason,
        steps::{self, Step},
    },
};

/// A signature's time may differ by so much from ours; Stripe's own libraries have the same limit against replays.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Why a webhook is not taken for Stripe's.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum NotSigned {
    /// The header lacks a time or a signature.
    #[error("the signature is malformed")]
    Malformed,
    /// Its time is too far away.
    #[error("the signature is too old, or from the future")]
    Stale,
    /// It does not fit.
    #[error("the signature does not fit")]
    Wrong,
}

/// An event, as far as it is looked at: <https://docs.stripe.com/api/events/object>.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// Its name, by which it is stored once.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: Object,
}

/// A payment intent, or something that names one.
#[derive(Debug, Deserialize)]
struct Object {
    id: String,
    payment_intent: Option<String>,
}

impl Event {
    fn intent(&self) -> &str {
        self.data.object.payment_intent.as_deref().unwrap_or(&self.data.object.id)
    }
}

/// Checks the header `Stripe-Signature` (`t=…,v1=…`): <https://docs.stripe.com/webhooks#verify-manually>.
///
/// # Errors
/// When the body is not signed with this secret, or was so too long ago.
pub(crate) fn verify(secret: &str, header: &str, body: &[u8], now: SystemTime) -> Result<(), NotSigned> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time).ok_or(NotSigned::Malformed)?;
    let signed_at = UNIX_EPOCH + Duration::from_secs(time.parse::<u32>().map_err(|_| NotSigned::Malformed)?.into());
    let away = now.duration_since(signed_at).unwrap_or_else(|future| future.duration());
    if away > TOLERANCE {
        return Err(NotSigned::Stale);
    }
    let mut signatures = parts().filter(|(name, _)| *name == "v1").peekable();
    if signatures.peek().is_none() {
        return Err(NotSigned::Malformed);
    }
    let fits = signatures.filter_map(|(_, signature)| hex::decode(signature).ok()).any(|signature| {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
            mac.update(time.as_bytes());
            mac.update(b".");
            mac.update(body);
            mac.verify_slice(&signature).is_ok()
        })
    });
    if fits { Ok(()) } else { Err(NotSigned::Wrong) }
}

/// The step that an event stands for; many stand for none, and only wake up whoever drives the order.
fn step(kind: &str) -> Option<Step<'static>> {
    let waiting = &[Authorizing, RequiresAction];
    let step = |from, to, order| Some(Step { from, to, order, intent: None });
    match kind {
        "payment_intent.amount_capturable_updated" => step(waiting, Authorized, Some((OrderState::Paying, None))),
        "payment_intent.payment_failed" => {
            step(waiting, Canceling, Some((OrderState::Cancelled, Some(reason::DECLINED))))
        }
        "payment_intent.canceled" => step(&[Canceling], Canceled, None),
        "charge.refunded" => step(&[Refunding], Refunded, None),
        _ => None,
    }
}

impl Booking {
    /// Stores an event with its effect. Returns the order that it is about, if it is new and about one of ours.
    ///
    /// # Errors
    /// When PostgreSQL fails; then nothing is stored, and Stripe sends it again.
    pub async fn apply_webhook(&self, event: &Event) -> sqlx::Result<Option<OrderId>> {
        self.postgres
            .run(async |connection| {
                let mut transaction = connection.begin().await?;
                let stored = sqlx::query(
                    "INSERT INTO payment_events (reference, kind, intent_reference) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                )
                .bind(&event.id)
                .bind(&event.kind)
                .bind(event.intent())
                .execute(&mut *transaction)
                .await?;
                if stored.rows_affected() == 0 {
                    return Ok(None);
                }
                // An event about a payment that we do not know yet comes before the answer that made it known: that answer says
                // the same.
                let order: Option<OrderId> = sqlx::query_scalar("SELECT uuid FROM payment_attempts WHERE intent_reference = $1")
                    .bind(event.intent())
                    .fetch_optional(&mut *transaction)
                    .await?;
                if let (Some(order), Some(step)) = (order, step(&event.kind)) {
                    steps::take(&mut *transaction, order, step).await?;
                }
                transaction.commit().await?;
                Ok(order)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SECRET: &str = "whsec_test";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn signed(secret: &str, time: u64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
        mac.update(format!("{time}.").as_bytes());
        mac.update(BODY);
        format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()))
    }

    fn at(time: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(time)
    }

    #[rstest]
    #[case::now(1_000, Ok(()))]
    #[case::just_in_time(1_300, Ok(()))]
    #[case::clocks_differ(900, Ok(()))]
    #[case::replayed(1_301, Err(NotSigned::Stale))]
    #[case::from_the_future(600, Err(NotSigned::Stale))]
    fn a_signature_is_good_for_five_minutes(#[case] now: u64, #[case] expected: Result<(), NotSigned>) {
        assert_eq!(verify(SECRET, &signed(SECRET, 1_000), BODY, at(now)), expected);
    }

    #[rstest]
    #[case::nothing("", NotSigned::Malformed)]
    #[case::no_time("v1=00", NotSigned::Malformed)]
    #[case::time_is_no_number("t=soon,v1=00", NotSigned::Malformed)]
    #[case::no_signature("t=1000", NotSigned::Malformed)]
    #[case::not_hexadecimal("t=1000,v1=zz", NotSigned::Wrong)]
    #[case::other_scheme("t=1000,v0=00", NotSigned::Malformed)]
    fn what_is_not_signed_is_refused(#[case] header: &str, #[case] expected: NotSigned) {
        assert_eq!(verify(SECRET, header, BODY, at(1_000)), Err(expected));
    }

    #[test]
    fn another_secret_or_another_body_is_refused_and_one_good_signature_of_several_is_enough() {
        assert_eq!(verify(SECRET, &signed("other", 1_000), BODY, at(1_000)), Err(NotSigned::Wrong));
        assert_eq!(verify(SECRET, &signed(SECRET, 1_000), b"{}", at(1_000)), Err(NotSigned::Wrong));
        let rolled = format!("{},v1=00", signed(SECRET, 1_000));
        assert_eq!(verify(SECRET, &rolled, BODY, at(1_000)), Ok(()));
    }
}
