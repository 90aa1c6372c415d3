//! What the feed is doing, for `GET /api/v1/search/feed`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use utoipa::ToSchema;

use super::partitions::Partition;

/// The state of the change feed in this replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FeedState {
    /// The index does not exist, or it is not filled.
    #[default]
    WaitingForIndex,
    /// Records are indexed as they arrive.
    Running,
    /// A store does not answer. The same records are retried until it does.
    Retrying,
    /// Too many records in a row could not be decoded or indexed. Somebody has to look at them.
    Stopped,
}

/// The change feed as this replica reads it.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct FeedStatus {
    /// Whether records are indexed.
    pub(crate) state: FeedState,
    /// Why the feed does not run, or the error that it retries after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// The partitions that this replica reads.
    pub(crate) partitions: Vec<PartitionLag>,
}

/// A partition, and how far behind its end the index is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PartitionLag {
    /// The topic's name.
    pub(crate) topic: String,
    /// The partition's number.
    pub(crate) partition: i32,
    /// Records that wait to be indexed.
    pub(crate) lag_records: i64,
}

/// The status, written by the consumer and the indexer and read by requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedStatus {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    state: FeedState,
    reason: Option<String>,
    lag: BTreeMap<Partition, i64>,
}

impl SharedStatus {
    pub(crate) fn read(&self) -> FeedStatus {
        let inner = self.lock();
        let partitions = inner.lag.iter().map(|(partition, lag)| PartitionLag {
            topic: partition.topic.clone(),
            partition: partition.number,
            lag_records: *lag,
        });
        FeedStatus { state: inner.state, reason: inner.reason.clone(), partitions: partitions.collect() }
    }

    pub(crate) fn set(&self, state: FeedState, reason: Option<String>) {
        let mut inner = self.lock();
        inner.state = state;
        inner.reason = reason;
    }

    pub(crate) fn set_lag(&self, partition: Partition, records: i64) {
        self.lock().lag.insert(partition, records);
    }

    pub(crate) fn remove_lag(&self, partition: &Partition) {
        self.lock().lag.remove(partition);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No change of the status can panic half-way, so a poisoned lock still holds a consistent value.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
