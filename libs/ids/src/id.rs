//! The kinds of id.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Defines one kind of id, and how the stores hold it.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new random id (UUID version 4, RFC 9562).
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// Reads the id from the bytes of its text, without an intermediate string. `None` when they are no UUID.
            #[must_use]
            pub fn from_ascii(text: &[u8]) -> Option<Self> {
                Uuid::try_parse_ascii(text).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            /// The canonical text: lower case, with hyphens.
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }

        crate::postgres::stored_as_text!($name);
        crate::redis::written_as_text!($name);
    };
}

id! {
    /// An event, for which tickets are sold (`events.uuid`).
    EventId
}
id! {
    /// A ticket: one seat of one event (`tickets.uuid`).
    TicketId
}
id! {
    /// A user, who holds and buys tickets.
    UserId
}
id! {
    /// A hold: tickets that are kept for one user for a while.
    HoldId
}
id! {
    /// An order (`orders.uuid`). The id also names the sale attempt that leads to the order: in the marks of the seats
    /// in Redis and in the payment provider's idempotency keys.
    OrderId
}
id! {
    /// A way to pay that a user registered (`payment_methods.uuid`).
    PaymentMethodId
}

impl OrderId {
    /// A new id that sorts by the time it was made (UUID version 7, RFC 9562), so that orders are appended to their
    /// index.
    #[must_use]
    pub fn by_time() -> Self {
        Self(Uuid::now_v7())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const TEXT: &str = "6f2c1d1e-7f3a-4c55-9a39-0a8d2f7f6f10";

    #[rstest]
    #[case::canonical(TEXT)]
    #[case::upper_case("6F2C1D1E-7F3A-4C55-9A39-0A8D2F7F6F10")]
    #[case::without_hyphens("6f2c1d1e7f3a4c559a390a8d2f7f6f10")]
    fn an_id_is_written_in_its_canonical_form_whatever_spelling_was_read(#[case] spelling: &str) {
        let id: TicketId = spelling.parse().expect("a UUID");
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(TicketId::from_ascii(spelling.as_bytes()), Some(id));
        assert_eq!(serde_json::to_value(id).expect("a value"), serde_json::json!(TEXT));
    }

    #[test]
    fn a_text_that_is_no_uuid_is_no_id() {
        assert!("A1".parse::<TicketId>().is_err());
        assert_eq!(TicketId::from_ascii(b"*"), None);
        assert!(serde_json::from_value::<UserId>(serde_json::json!("nobody")).is_err());
    }

    #[test]
    fn orders_sort_by_the_time_they_were_made() {
        let (first, second) = (OrderId::by_time(), OrderId::by_time());
        assert!(first < second, "{first} was made before {second}");
    }
}
