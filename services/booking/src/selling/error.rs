//! Why a call about a sale did not succeed.

use std::sync::Arc;

use ids::OrderId;
use thiserror::Error;

use crate::{holding::HoldError, payments::StripeError, refusal::Refusal};

/// Why a call about a sale did not succeed. After a failure of a store the ticket may have been sold; asking again tells.
#[derive(Debug, Error)]
pub(crate) enum SaleError {
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The hold is back.
    #[error("the payment was declined")]
    Declined,
    /// The customer must confirm the payment with the card's bank. The same call goes on from there.
    #[error("the payment of order {order} needs its customer's action")]
    ActionRequired {
        order: OrderId,
        /// What the provider's client in the browser needs.
        client_secret: Option<String>,
    },
    /// The worker finds out.
    #[error("the outcome of order {order} is not known yet")]
    Unsettled { order: OrderId },
    /// What is left of the hold is back, so the same call may well succeed.
    #[error("the sale was given up; the hold is back")]
    GivenUp,
    /// The error is shared by all orders of a batch.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] Arc<sqlx::Error>),
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("Stripe: {0}")]
    Stripe(#[from] StripeError),
    #[error("the task that sells ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl From<sqlx::Error> for SaleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Postgres(Arc::new(error))
    }
}

impl From<HoldError> for SaleError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Refused(refusal) => Self::Refused(refusal),
            HoldError::Postgres(error) => Self::Postgres(error),
            HoldError::Redis(error) => Self::Redis(error),
        }
    }
}

impl SaleError {
    /// The error as a label of metrics.
    pub(super) fn label(&self) -> &'static str {
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
