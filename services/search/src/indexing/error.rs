//! What goes wrong between PostgreSQL, Kafka and Elasticsearch.

use thiserror::Error;

use super::versions::{SnapshotError, VersionError};
use crate::{
    feed::FeedError,
    index::{IndexError, Origin},
};

/// A change could not be indexed.
#[derive(Debug, Error)]
pub enum IndexingError {
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error("Elasticsearch: {0}")]
    Index(#[from] IndexError),
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A statement that always returns a row returned none.
    #[error("PostgreSQL: no row where there is always one")]
    NoRow,
    /// The change is in the feed but not visible in the database yet.
    #[error("transaction {0} is not visible yet")]
    NotVisibleYet(u64),
    /// The index holds documents of another database, or of a later timeline of this one.
    #[error("the index was filled from another database (system identifier {index}, this one is {database})")]
    ForeignDatabase { index: Origin, database: Origin },
    /// Some documents do not fit the mapping. The log names them.
    #[error("some documents do not fit the mapping")]
    DocumentsRefused,
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
}

impl IndexingError {
    /// The label in metrics: which store failed.
    pub(crate) const fn cause(&self) -> &'static str {
        match self {
            Self::Postgres(_) | Self::Snapshot(_) | Self::Version(_) | Self::NoRow => "postgres",
            Self::Index(_) | Self::DocumentsRefused => "elasticsearch",
            Self::Feed(FeedError::Kafka(_)) => "kafka",
            Self::NotVisibleYet(_) => "not_visible_yet",
            Self::ForeignDatabase { .. } => "foreign_database",
            Self::Metrics(_) | Self::Feed(FeedError::Interrupted(_)) => "ours",
        }
    }

    /// Whether a retry may succeed without anybody's help.
    pub(crate) fn is_unreachable(&self) -> bool {
        match self {
            Self::Postgres(error) => kit::postgres::is_unavailable(error),
            Self::Index(error) => matches!(error, IndexError::Unreachable(_)),
            Self::Feed(FeedError::Kafka(_)) | Self::NotVisibleYet(_) => true,
            _ => false,
        }
    }
}
