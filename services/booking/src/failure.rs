//! Why a reservation, a sale or a call about an order did not take place.

use std::sync::Arc;

use ids::OrderId;
use thiserror::Error;

use crate::payments::stripe::StripeError;

/// Why it did not take place. Each kind is logged once, where it becomes an answer.
#[derive(Debug, Error)]
pub enum Failure {
    /// The customer cannot have it.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The card was declined. The hold is back.
    #[error("the payment was declined")]
    Declined,
    /// The payment waits for its customer, who must confirm it with the card's bank. The same call again goes on from there.
    #[error("the payment of order {order} needs its customer's action")]
    ActionRequired {
        /// The order.
        order: OrderId,
        /// What the provider's own client needs.
        client_secret: Option<String>,
    },
    /// It is not known yet what became of it; the worker finds out.
    #[error("the outcome of order {order} is not known yet")]
    Unsettled {
        /// The order.
        order: OrderId,
    },
    /// The sale was given up and the hold is back: asking again may well work.
    #[error("the sale was given up; the hold is back")]
    GivenUp,
    /// PostgreSQL failed, perhaps for several at once.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] Arc<sqlx::Error>),
    /// Redis failed.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// The payment provider failed.
    #[error("Stripe: {0}")]
    Stripe(#[from] StripeError),
    /// A fault of ours.
    #[error("the task that sells ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Why the customer cannot have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such ticket.
    Unknown,
    /// The ticket belongs to another event than the one named.
    OtherEvent,
    /// Its event has begun.
    Over,
    /// Its event was cancelled.
    Cancelled,
    /// The sale has not begun.
    NotOnSale,
    /// The sale has ended.
    SaleEnded,
    /// It was sold.
    Sold,
    /// Somebody else holds it.
    Held,
    /// It is being sold.
    Selling,
    /// With it the user would have more tickets of the event than one may.
    Limit,
    /// The customer does not hold it, or no longer.
    NotHeld,
    /// The user has no such hold, or no longer.
    NoHold,
    /// The hold cannot get longer.
    HoldLimit,
    /// The payment method is unknown, or another user's.
    PaymentMethod,
    /// The user has no such order.
    NoOrder,
    /// The order cannot be cancelled any more.
    NotCancellable,
    /// The order is not one that can be refunded.
    NotRefundable,
    /// The same idempotency key came with another request before.
    KeyReused,
}

impl Refusal {
    /// The refusal as a label of metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
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

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Postgres(Arc::new(error))
    }
}

impl Failure {
    /// The failure as a label of metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.label(),
            Self::Declined => "declined",
            Self::ActionRequired { .. } => "action_required",
            Self::Unsettled { .. } => "unsettled",
            Self::GivenUp => "given_up",
            Self::Postgres(_) => "postgres_failed",
            Self::Redis(_) => "redis_failed",
            Self::Stripe(_) => "stripe_failed",
            Self::Task(_) => "failed",
        }
    }
}
