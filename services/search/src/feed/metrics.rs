//! Metrics of the change feed.

use kit::metrics::Metrics;
use prometheus::{IntCounterVec, IntGaugeVec};

#[derive(Debug, Clone)]
pub(crate) struct FeedMetrics {
    records: IntCounterVec,
    undecodable: IntCounterVec,
    lag: IntGaugeVec,
}

impl FeedMetrics {
    pub(crate) fn register(metrics: &Metrics) -> prometheus::Result<Self> {
        Ok(Self {
            records: metrics.counters(
                "search_feed_records_total",
                "Change records decoded.",
                &["table", "operation"],
            )?,
            undecodable: metrics.counters(
                "search_feed_undecodable_total",
                "Records that could not be decoded.",
                &["topic"],
            )?,
            lag: metrics.gauges(
                "search_feed_lag_records",
                "Records of a partition that wait to be indexed.",
                &["topic", "partition"],
            )?,
        })
    }

    pub(crate) fn count_record(&self, table: &str, operation: &str) {
        self.records.with_label_values(&[table, operation]).inc();
    }

    pub(crate) fn count_undecodable(&self, topic: &str) {
        self.undecodable.with_label_values(&[topic]).inc();
    }

    pub(crate) fn set_lag(&self, topic: &str, partition: i32, records: i64) {
        self.lag.with_label_values(&[topic, &partition.to_string()]).set(records);
    }

    /// Removes the lag of a partition that another replica reads now.
    pub(crate) fn remove_lag(&self, topic: &str, partition: i32) {
        // The only error is that the partition had no value yet.
        let _ = self.lag.remove_label_values(&[topic, &partition.to_string()]);
    }
}
