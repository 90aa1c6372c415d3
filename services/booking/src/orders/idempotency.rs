//! Idempotency keys: a client that did not get its answer repeats the call under the same key, and nothing is done twice.
//!
//! After the IETF's draft "The Idempotency-Key HTTP Header Field". A key is stored in the transaction of the effect: a call that
//! had none (because it was refused) leaves no key, and may be repeated.

use std::time::Duration;

use ids::{OrderId, UserId};
use kit::postgres::Pool;
use sha2::{Digest, Sha256};

/// Keys are forgotten after this long, and with them that a repeat is one.
const KEPT_FOR: Duration = Duration::from_hours(7 * 24);

/// What the key is for: keys of different operations do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A new order.
    Order,
    /// A refund.
    Refund,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Refund => "refund",
        }
    }
}

/// A key and the request that it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The client's text.
    pub text: String,
    /// A hash of what was asked for.
    pub fingerprint: String,
}

impl Key {
    /// The key of a request for these things.
    #[must_use]
    pub fn new(text: String, request: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in request {
            // The length first, so that no two requests run into the same text.
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        let fingerprint = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { text, fingerprint }
    }
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: the call is the first.
    Never,
    /// The same request was made, and this order came of it.
    Same(OrderId),
    /// Another request was made under the key.
    Other,
}

/// Looks for a key of this user's.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn look_up(postgres: &Pool, user: UserId, operation: Operation, key: &Key) -> sqlx::Result<Seen> {
    let row: Option<(String, OrderId)> = sqlx::query_as(
        "SELECT fingerprint, order_uuid FROM idempotency_keys WHERE user_uuid = $1 AND operation = $2 AND key = $3",
    )
    .bind(user)
    .bind(operation.as_str())
    .bind(&key.text)
    .fetch_optional(postgres)
    .await?;
    match row {
        None => Ok(Seen::Never),
        Some((fingerprint, _)) if fingerprint != key.fingerprint => Ok(Seen::Other),
        Some((_, order)) => Ok(Seen::Same(order)),
    }
}

/// Forgets keys that are old enough. Returns how many.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn forget_old(postgres: &Pool) -> sqlx::Result<u64> {
    let forgotten = sqlx::query("DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(secs => $1)")
        .bind(KEPT_FOR.as_secs_f64())
        .execute(postgres)
        .await?;
    Ok(forgotten.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_makes_the_fingerprint_and_not_where_its_parts_end() {
        let of = |request: &[&str]| Key::new("key".to_owned(), request).fingerprint;
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        assert_ne!(of(&["a", "b"]), of(&["ab", ""]));
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
    }
}
