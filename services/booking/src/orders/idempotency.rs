//! Idempotency keys: a client that did not get its answer repeats the call under the same key, and nothing is done
//! twice.
//!
//! After the IETF's draft "The Idempotency-Key HTTP Header Field". A key is stored in the transaction of the effect. A
//! call that was refused had no effect, so it leaves no key and may be repeated.

use std::time::Duration;

use ids::{OrderId, UserId};
use sha2::{Digest, Sha256};

use super::Orders;

/// Keys are deleted after this time. A later repeat counts as a new call.
const KEPT_FOR: Duration = Duration::from_hours(7 * 24);

/// What a key is for. The same text may be used once for each operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Order,
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

/// A client's key and the request that it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The client's text.
    pub text: String,
    /// A hash of what was asked for.
    pub fingerprint: String,
}

impl Key {
    /// The key of a request with these parts.
    #[must_use]
    pub fn new(text: String, request: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in request {
            // The length first, so that no two requests become the same text.
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self { text, fingerprint: hex::encode(hash.finalize()) }
    }
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The call is the first under this key.
    Never,
    /// The same request was made before, and led to this order.
    Same(OrderId),
    /// Another request was made under the key.
    Other,
}

impl Orders {
    /// Looks for a key of this user's.
    pub(crate) async fn find_key(&self, user: UserId, operation: Operation, key: &Key) -> sqlx::Result<Seen> {
        let row: Option<(String, OrderId)> = sqlx::query_as(
            "SELECT fingerprint, order_uuid FROM idempotency_keys WHERE user_uuid = $1 AND operation = $2 AND key = $3",
        )
        .bind(user)
        .bind(operation.as_str())
        .bind(&key.text)
        .fetch_optional(&self.postgres)
        .await?;
        Ok(match row {
            None => Seen::Never,
            Some((fingerprint, _)) if fingerprint != key.fingerprint => Seen::Other,
            Some((_, order)) => Seen::Same(order),
        })
    }

    /// Deletes keys that are old enough.
    pub(crate) async fn delete_old_keys(&self) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(secs => $1)")
            .bind(KEPT_FOR.as_secs_f64())
            .execute(&self.postgres)
            .await
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_with_other_parts_have_other_fingerprints() {
        let of = |request: &[&str]| Key::new("key".to_owned(), request).fingerprint;
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        assert_ne!(of(&["a", "b"]), of(&["ab", ""]));
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
    }
}
