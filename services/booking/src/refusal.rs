//! Why a customer cannot have what they asked for.

/// Declares [`Refusal`] with each variant's label next to its name.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)+) => {
        /// A "no" to the customer. Nothing failed: asking again is answered the same until something changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Refusal {
            $($(#[$doc])* $name,)+
        }

        impl Refusal {
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];

            /// The refusal as a label of metrics.
            pub(crate) fn label(self) -> &'static str {
                match self {
                    $(Self::$name => $label,)+
                }
            }
        }
    };
}

refusals! {
    /// There is no such ticket.
    Unknown = "unknown",
    /// The ticket belongs to another event than the one named.
    OtherEvent = "other_event",
    /// The event has begun.
    Over = "over",
    /// The event was cancelled.
    Cancelled = "cancelled",
    /// The sale has not begun.
    NotOnSale = "not_on_sale",
    /// The sale has ended.
    SaleEnded = "sale_ended",
    /// The ticket was sold.
    Sold = "sold",
    /// Another user holds the ticket.
    Held = "held",
    /// The ticket is being sold.
    Selling = "selling",
    /// The user would have more tickets of the event than allowed.
    Limit = "limit",
    /// The user does not hold the ticket, or no longer.
    NotHeld = "not_held",
    /// The user has no such hold, or no longer.
    NoHold = "no_hold",
    /// The hold cannot be extended any further.
    HoldLimit = "hold_limit",
    /// The payment method is unknown, or another user's.
    PaymentMethod = "payment_method",
    /// The user has no such order.
    NoOrder = "no_order",
    /// The order can no longer be cancelled.
    NotCancellable = "not_cancellable",
    /// The order cannot be refunded.
    NotRefundable = "not_refundable",
    /// The idempotency key came with another request before.
    KeyReused = "key_reused",
}
