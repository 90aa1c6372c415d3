//! Why a reservation or a sale did not take place.

use thiserror::Error;

/// Why it did not take place. Each kind is logged once, where it becomes an answer.
#[derive(Debug, Error)]
pub enum Failure {
    /// The customer cannot have the ticket.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The sale was given up and the hold is back: asking again may well work.
    #[error("the sale was given up; the hold is back")]
    GivenUp,
    /// PostgreSQL failed.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] sqlx::Error),
    /// Redis failed.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// A fault of ours.
    #[error("the task that sells ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Why the customer cannot have the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such ticket.
    Unknown,
    /// Its event has begun.
    Over,
    /// It was sold.
    Sold,
    /// Somebody else holds it.
    Held,
    /// It is being sold.
    Selling,
    /// The customer does not hold it, or no longer.
    NotHeld,
}

impl Refusal {
    /// The refusal as a label of metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Over => "over",
            Self::Sold => "sold",
            Self::Held => "held",
            Self::Selling => "selling",
            Self::NotHeld => "not_held",
        }
    }
}
