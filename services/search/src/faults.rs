//! What goes wrong between PostgreSQL, Kafka and Elasticsearch.

use rdkafka::error::KafkaError;
use thiserror::Error;

use crate::{
    index::IndexError,
    versions::{SnapshotMalformed, VersionOverflow},
};

/// A fault that keeps a change from being indexed.
#[derive(Debug, Error)]
pub enum Fault {
    /// PostgreSQL did not answer, or refused.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] sqlx::Error),
    /// Elasticsearch did not answer, or refused.
    #[error("Elasticsearch: {0}")]
    Index(#[from] IndexError),
    /// Kafka did not answer, or refused.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// A snapshot in a form that PostgreSQL did not have when this was written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotMalformed),
    /// No room for versions any more.
    #[error(transparent)]
    Version(#[from] VersionOverflow),
    /// A statement that always answers with a row did not.
    #[error("PostgreSQL: no row where there is always one")]
    NothingRead,
    /// The change is in the feed but not visible in the database yet.
    #[error("transaction {0} is not visible yet")]
    NotVisibleYet(u64),
    /// The index holds documents of another database, or of a later life of this one.
    #[error("the index was filled from another database (system identifier {index}, this one is {database})")]
    ForeignDatabase {
        /// What the index says of its origin.
        index: String,
        /// What the database says of itself.
        database: String,
    },
    /// The mapping does not take some documents; the log names them.
    #[error("some documents do not fit the mapping")]
    DocumentsRefused,
    /// Two metrics of one name.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
    /// A task of ours ended early.
    #[error("{0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl Fault {
    /// The store at fault, for metrics.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::Postgres(_) | Self::Snapshot(_) | Self::Version(_) | Self::NothingRead => "postgres",
            Self::Index(_) | Self::DocumentsRefused => "elasticsearch",
            Self::Kafka(_) => "kafka",
            Self::NotVisibleYet(_) => "not_visible_yet",
            Self::ForeignDatabase { .. } => "foreign_database",
            Self::Metrics(_) | Self::Interrupted(_) => "ours",
        }
    }

    /// Whether the same may work later without anybody's doing.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Postgres(error) => kit::postgres::is_unavailable(error),
            Self::Index(error) => matches!(error, IndexError::Unreachable(_)),
            Self::Kafka(_) | Self::NotVisibleYet(_) => true,
            _ => false,
        }
    }
}
