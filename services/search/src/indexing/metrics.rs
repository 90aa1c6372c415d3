//! Metrics of the indexer and of what it writes.

use std::time::Duration;

use kit::metrics::Metrics;
use prometheus::{Histogram, IntCounterVec, IntGauge};
use time::OffsetDateTime;

use crate::index::BulkOutcome;

/// From commit to indexed: about 20 ms in normal operation, minutes while the feed catches up.
const DELAY_BUCKETS: &[f64] = &[0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0];

#[derive(Debug, Clone)]
pub(crate) struct IndexingMetrics {
    writes: IntCounterVec,
    retries: IntCounterVec,
    sweeps: IntCounterVec,
    newest_change: IntGauge,
    delay: Histogram,
    stopped: IntGauge,
}

impl IndexingMetrics {
    pub(crate) fn register(metrics: &Metrics) -> prometheus::Result<Self> {
        let counters = |name: &str, help: &str, label: &str| metrics.counters(name, help, &[label]);
        Ok(Self {
            writes: counters("search_index_writes_total", "Documents sent to the index, by outcome.", "outcome")?,
            retries: counters("search_feed_retries_total", "Retries of a batch, by cause.", "cause")?,
            sweeps: counters("search_index_sweeps_total", "Whole comparisons of index and database.", "cause")?,
            newest_change: metrics.gauge(
                "search_feed_newest_change_timestamp_seconds",
                "When the newest change in the index was made.",
            )?,
            delay: metrics.histogram(
                "search_feed_delay_seconds",
                "Time from a change until it is indexed.",
                DELAY_BUCKETS,
            )?,
            stopped: metrics
                .gauge("search_feed_stopped", "1 after the feed has stopped and needs somebody to look.")?,
        })
    }

    pub(crate) fn count_writes(&self, outcome: &BulkOutcome) {
        let count = |label: &str, documents: u64| self.writes.with_label_values(&[label]).inc_by(documents);
        count("written", outcome.written);
        count("removed", outcome.removed);
        count("superseded", outcome.superseded);
        count("refused", outcome.refused.len() as u64);
    }

    pub(crate) fn count_retry(&self, cause: &str) {
        self.retries.with_label_values(&[cause]).inc();
    }

    pub(crate) fn count_sweep(&self, cause: &str) {
        self.sweeps.with_label_values(&[cause]).inc();
    }

    /// Notes that everything up to a change, made at this time, is indexed.
    pub(crate) fn observe_indexed(&self, changed_at_ms: i64) {
        self.newest_change.set(changed_at_ms / 1000);
        let now_ms = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        let delay_ms = (now_ms - i128::from(changed_at_ms)).max(0);
        self.delay.observe(Duration::from_millis(u64::try_from(delay_ms).unwrap_or(u64::MAX)).as_secs_f64());
    }

    pub(crate) fn set_stopped(&self) {
        self.stopped.set(1);
    }
}
