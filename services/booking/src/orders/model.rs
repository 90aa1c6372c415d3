//! The words of the tables about orders, and what an order says.

use ids::{HoldId, PaymentMethodId};

use super::idempotency::Key;

/// Defines an enum that a column holds as a word.
macro_rules! words {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        $visibility enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            $visibility const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that the column holds.
            #[must_use]
            $visibility const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            pub(crate) fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            /// The error names a word that this version does not know.
            fn try_from(word: String) -> Result<Self, String> {
                Self::parse(&word).ok_or_else(|| format!("unknown {}: {word}", stringify!($name)))
            }
        }
    };
}

words! {
    /// How far an order has come (`orders.state`). `booked`, `cancelled` and `refunded` are ends; `stuck` waits for a
    /// person.
    pub enum OrderState {
        /// The order is written; its payment has not begun.
        Pending = "pending",
        /// The payment is under way.
        Paying = "paying",
        /// The tickets are the buyer's, and paid.
        Booked = "booked",
        /// Nothing was sold, and no money is kept.
        Cancelled = "cancelled",
        /// The order could not be brought to an end.
        Stuck = "stuck",
        /// The order was booked and then given back.
        Refunded = "refunded",
    }
}

words! {
    /// How far a payment has come (`payment_attempts.state`).
    pub enum PaymentState {
        /// The provider is asked to set the money aside.
        Authorizing = "authorizing",
        /// The customer must act.
        RequiresAction = "requires_action",
        /// The money is set aside.
        Authorized = "authorized",
        /// The tickets are booked, and the money is being taken.
        Capturing = "capturing",
        /// The money is taken.
        Captured = "captured",
        /// The money that may be set aside is being let go.
        Canceling = "canceling",
        /// No money is set aside.
        Canceled = "canceled",
        /// The payment was refused before the provider had one that must be ended.
        Declined = "declined",
        /// The money is being given back.
        Refunding = "refunding",
        /// The money was given back.
        Refunded = "refunded",
        /// The payment could not be brought to an end. The order is `stuck` then.
        Failed = "failed",
    }
}

impl PaymentState {
    /// Whether nothing is left to do.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Captured | Self::Canceled | Self::Declined | Self::Refunded | Self::Failed)
    }

    /// Whether the order's state is final as far as its seats go.
    pub(crate) const fn decides_seats(self) -> bool {
        self.is_end() || matches!(self, Self::Canceling | Self::Refunding)
    }
}

words! {
    /// Why an order is in its state (`orders.reason`). Clients see these words and may rely on them.
    pub enum Reason {
        /// The card was declined.
        Declined = "declined",
        /// A ticket was no longer available.
        NotAvailable = "not_available",
        /// The sweeper gave the order up before it was decided.
        Abandoned = "abandoned",
        /// The customer did not act in time.
        Expired = "payment_expired",
        /// The customer asked for it.
        Requested = "requested",
        /// The provider refused the payment for a reason that is not the customer's.
        PaymentFailed = "payment_failed",
        /// The money that was set aside could not be taken.
        CaptureFailed = "capture_failed",
        /// The payment was ended at the provider.
        PaymentCanceled = "payment_canceled",
    }
}

words! {
    /// Who takes the money (`orders.payment_provider`).
    pub(crate) enum Provider {
        /// Nobody: tickets cost nothing.
        Free = "free",
        Stripe = "stripe",
    }
}

/// What an order says beside its seats.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// How the buyer pays.
    pub payment_method: PaymentMethodId,
    /// The hold the tickets come from, if the client named one.
    pub hold: Option<HoldId>,
    /// ISO 4217, lower case.
    pub currency: &'static str,
    /// The key under which the client may repeat the call.
    pub key: Option<Key>,
}

/// What was decided about a sale attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub state: OrderState,
    pub reason: Option<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_settled_only_when_the_seats_are_decided() {
        let open = [
            PaymentState::Authorizing,
            PaymentState::RequiresAction,
            PaymentState::Authorized,
            PaymentState::Capturing,
        ];
        assert!(!open.into_iter().any(PaymentState::decides_seats));
        assert!(
            [PaymentState::Canceling, PaymentState::Refunding, PaymentState::Captured]
                .into_iter()
                .all(PaymentState::decides_seats)
        );
    }
}
