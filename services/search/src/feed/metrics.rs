//! What the change feed and the index writer count.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, core::Collector};
use time::OffsetDateTime;

/// From commit to indexed: 20 ms on a good day, minutes while catching up.
const DELAY_BUCKETS: &[f64] = &[0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0];

/// Metrics of the change feed.
#[derive(Debug, Clone)]
pub struct FeedMetrics {
    records: IntCounterVec,
    undecodable: IntCounterVec,
    lag: IntGaugeVec,
    writes: IntCounterVec,
    retries: IntCounterVec,
    sweeps: IntCounterVec,
    newest_change: IntGauge,
    delay: Histogram,
    stopped: IntGauge,
}

impl FeedMetrics {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self::new()?;
        let collectors: [Box<dyn Collector>; 9] = [
            Box::new(metrics.records.clone()),
            Box::new(metrics.undecodable.clone()),
            Box::new(metrics.lag.clone()),
            Box::new(metrics.writes.clone()),
            Box::new(metrics.retries.clone()),
            Box::new(metrics.sweeps.clone()),
            Box::new(metrics.newest_change.clone()),
            Box::new(metrics.delay.clone()),
            Box::new(metrics.stopped.clone()),
        ];
        collectors.into_iter().try_for_each(|collector| registry.register(collector))?;
        Ok(metrics)
    }

    fn new() -> prometheus::Result<Self> {
        let counters = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        Ok(Self {
            records: counters("search_feed_records_total", "Change records decoded.", &["table", "operation"])?,
            undecodable: counters("search_feed_undecodable_total", "Records that could not be decoded.", &["topic"])?,
            lag: IntGaugeVec::new(
                Opts::new("search_feed_lag_records", "Records of a partition that wait to be indexed."),
                &["topic", "partition"],
            )?,
            writes: counters("search_index_writes_total", "Documents sent to the index, by outcome.", &["outcome"])?,
            retries: counters(
                "search_feed_retries_total",
                "Batches that had to be tried again, by cause.",
                &["cause"],
            )?,
            sweeps: counters("search_index_sweeps_total", "Whole comparisons of index and database.", &["cause"])?,
            newest_change: IntGauge::new(
                "search_feed_newest_change_timestamp_seconds",
                "When the newest change in the index was made.",
            )?,
            delay: Histogram::with_opts(
                HistogramOpts::new("search_feed_delay_seconds", "From a change to its being indexed.")
                    .buckets(DELAY_BUCKETS.to_vec()),
            )?,
            stopped: IntGauge::new("search_feed_stopped", "1 while the feed stands still until somebody looks at it.")?,
        })
    }

    /// Metrics that nobody collects, for a process that does its work and ends.
    ///
    /// # Errors
    /// Never: the names are well-formed.
    pub fn uncollected() -> prometheus::Result<Self> {
        Self::new()
    }

    pub(crate) fn record(&self, table: &str, operation: &str) {
        self.records.with_label_values(&[table, operation]).inc();
    }

    pub(crate) fn undecodable(&self, topic: &str) {
        self.undecodable.with_label_values(&[topic]).inc();
    }

    pub(crate) fn lag(&self, topic: &str, partition: i32, records: i64) {
        self.lag.with_label_values(&[topic, &partition.to_string()]).set(records);
    }

    pub(crate) fn partition_lost(&self, topic: &str, partition: i32) {
        // Fails when the partition had no value yet, which is what is wanted.
        let _ = self.lag.remove_label_values(&[topic, &partition.to_string()]);
    }

    pub(crate) fn writes(&self, outcome: &str, documents: u64) {
        self.writes.with_label_values(&[outcome]).inc_by(documents);
    }

    pub(crate) fn retry(&self, cause: &str) {
        self.retries.with_label_values(&[cause]).inc();
    }

    pub(crate) fn sweep(&self, cause: &str) {
        self.sweeps.with_label_values(&[cause]).inc();
    }

    pub(crate) fn indexed_change_of(&self, changed_at_ms: i64) {
        self.newest_change.set(changed_at_ms / 1000);
        let now_ms = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        let delay_ms = (now_ms - i128::from(changed_at_ms)).max(0);
        self.delay.observe(std::time::Duration::from_millis(u64::try_from(delay_ms).unwrap_or(u64::MAX)).as_secs_f64());
    }

    pub(crate) fn stopped(&self, stopped: bool) {
        self.stopped.set(i64::from(stopped));
    }
}
