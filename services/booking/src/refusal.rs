//! Why a customer cannot have what they asked for.

/// A "no" to the customer. Nothing failed: asking again is answered the same until something changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such ticket.
    Unknown,
    /// The ticket belongs to another event than the one named.
    OtherEvent,
    /// The event has begun.
    Over,
    /// The event was cancelled.
    Cancelled,
    /// The sale has not begun.
    NotOnSale,
    /// The sale has ended.
    SaleEnded,
    /// The ticket was sold.
    Sold,
    /// Another user holds the ticket.
    Held,
    /// The ticket is being sold.
    Selling,
    /// The user would have more tickets of the event than allowed.
    Limit,
    /// The user does not hold the ticket, or no longer.
    NotHeld,
    /// The user has no such hold, or no longer.
    NoHold,
    /// The hold cannot be extended any further.
    HoldLimit,
    /// The payment method is unknown, or another user's.
    PaymentMethod,
    /// The user has no such order.
    NoOrder,
    /// The order can no longer be cancelled.
    NotCancellable,
    /// The order cannot be refunded.
    NotRefundable,
    /// The idempotency key came with another request before.
    KeyReused,
}

impl Refusal {
    /// The refusal as a label of metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::OtherEvent => "other_event",
            Self::Over => "over",
            Self::Cancelled => "cancelled",
            Self::NotOnSale => "not_on_sale",
            Self::SaleEnded => "sale_ended",
            Self::Sold => "sold",
            Self::Held => "held",
            Self::Selling => "selling",
            Self::Limit => "limit",
            Self::NotHeld => "not_held",
            Self::NoHold => "no_hold",
            Self::HoldLimit => "hold_limit",
            Self::PaymentMethod => "payment_method",
            Self::NoOrder => "no_order",
            Self::NotCancellable => "not_cancellable",
            Self::NotRefundable => "not_refundable",
            Self::KeyReused => "key_reused",
        }
    }
}
