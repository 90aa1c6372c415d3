//! The signatures of Stripe's webhooks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// How far a signature's time may be from ours. Stripe's own libraries have the same limit, against replays.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Why a webhook is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// The header lacks a time or a signature.
    #[error("the signature is malformed")]
    Malformed,
    /// Its time is too far from ours.
    #[error("the signature is too old, or from the future")]
    Stale,
    /// It was not made with this secret for this body.
    #[error("the signature does not fit")]
    Wrong,
}

/// Checks the header `Stripe-Signature` (`t=…,v1=…`): <https://docs.stripe.com/webhooks#verify-manually>.
///
/// # Errors
/// When the body was not signed with this secret, or was signed too long ago.
pub(crate) fn verify(secret: &str, header: &str, body: &[u8], now: SystemTime) -> Result<(), SignatureError> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time).ok_or(SignatureError::Malformed)?;
    let signed_at =
        UNIX_EPOCH + Duration::from_secs(time.parse::<u32>().map_err(|_| SignatureError::Malformed)?.into());
    let away = now.duration_since(signed_at).unwrap_or_else(|future| future.duration());
    if away > TOLERANCE {
        return Err(SignatureError::Stale);
    }
    let mut signatures = parts().filter(|(name, _)| *name == "v1").peekable();
    if signatures.peek().is_none() {
        return Err(SignatureError::Malformed);
    }
    let fits = signatures.filter_map(|(_, signature)| hex::decode(signature).ok()).any(|signature| {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
            mac.update(time.as_bytes());
            mac.update(b".");
            mac.update(body);
            mac.verify_slice(&signature).is_ok()
        })
    });
    if fits { Ok(()) } else { Err(SignatureError::Wrong) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SECRET: &str = "whsec_test";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn signed(secret: &str, time: u64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
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
    #[case::replayed(1_301, Err(SignatureError::Stale))]
    #[case::from_the_future(600, Err(SignatureError::Stale))]
    fn a_signature_is_good_for_five_minutes(#[case] now: u64, #[case] expected: Result<(), SignatureError>) {
        assert_eq!(verify(SECRET, &signed(SECRET, 1_000), BODY, at(now)), expected);
    }

    #[rstest]
    #[case::nothing("", SignatureError::Malformed)]
    #[case::no_time("v1=00", SignatureError::Malformed)]
    #[case::time_is_no_number("t=soon,v1=00", SignatureError::Malformed)]
    #[case::no_signature("t=1000", SignatureError::Malformed)]
    #[case::not_hexadecimal("t=1000,v1=zz", SignatureError::Wrong)]
    #[case::other_scheme("t=1000,v0=00", SignatureError::Malformed)]
    fn a_malformed_or_missing_signature_is_refused(#[case] header: &str, #[case] expected: SignatureError) {
        assert_eq!(verify(SECRET, header, BODY, at(1_000)), Err(expected));
    }

    #[test]
    fn another_secret_or_another_body_is_refused_and_one_good_signature_of_several_is_enough() {
        assert_eq!(verify(SECRET, &signed("other", 1_000), BODY, at(1_000)), Err(SignatureError::Wrong));
        assert_eq!(verify(SECRET, &signed(SECRET, 1_000), b"{}", at(1_000)), Err(SignatureError::Wrong));
        let rolled = format!("{},v1=00", signed(SECRET, 1_000));
        assert_eq!(verify(SECRET, &rolled, BODY, at(1_000)), Ok(()));
    }
}
