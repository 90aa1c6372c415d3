//! What goes wrong between this program and Kafka.

use rdkafka::error::KafkaError;
use thiserror::Error;

/// The change feed could not be read, or a position in it could not be committed.
#[derive(Debug, Error)]
pub enum FeedError {
    /// Kafka did not answer, or refused.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// The thread that called librdkafka panicked.
    #[error("{0}")]
    Interrupted(#[from] tokio::task::JoinError),
}
