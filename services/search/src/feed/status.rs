//! What the feed is doing, for `GET /api/v1/search/feed`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use utoipa::ToSchema;

use super::batch::Partition;

/// What the feed is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// The index does not exist or is not filled.
    #[default]
    WaitingForIndex,
    /// Records are indexed as they come.
    Running,
    /// A store does not answer; the same records are tried again until it does.
    Retrying,
    /// Too many undecodable records in a row: somebody has to look at them.
    Stopped,
}

/// The state of the change feed in this replica.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct FeedStatus {
    /// What it is doing.
    pub state: FeedState,
    /// Why it does not run, or what it tries again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The partitions that this replica reads.
    pub partitions: Vec<PartitionLag>,
}

/// How far behind a partition is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PartitionLag {
    /// The topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// Records that wait to be indexed.
    pub lag_records: i64,
}

/// The status, shared between the feed and whoever asks.
#[derive(Debug, Clone, Default)]
pub struct Status {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    state: FeedState,
    reason: Option<String>,
    lag: BTreeMap<Partition, i64>,
}

impl Status {
    /// What the feed is doing now.
    #[must_use]
    pub fn read(&self) -> FeedStatus {
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

    pub(crate) fn partition_lost(&self, partition: &Partition) {
        self.lock().lag.remove(partition);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
