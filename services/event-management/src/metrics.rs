//! The metrics of event management.

use kit::metrics::Metrics;
use prometheus::{IntCounter, IntCounterVec, IntGauge};

/// The service's own metrics. Each metric is a pointer of its own, so share the whole struct instead of cloning it.
pub(crate) struct EventMetrics {
    /// Lookups of an event's details, by where they were found: `process`, `redis` or `postgres`.
    pub(crate) lookups: IntCounterVec,
    /// Changes of events that the database announced.
    pub(crate) changes: IntCounter,
    /// 1 while the database's notifications are received.
    pub(crate) listening: IntGauge,
    /// 1 while this process is in step with the cache in Redis.
    pub(crate) shared_cache_in_use: IntGauge,
    /// Reads of the seats from PostgreSQL alone, because Redis did not answer.
    pub(crate) pages_without_redis: IntCounter,
    /// Reads of the seats of an event; requests at the same moment share one.
    pub(crate) seat_reads: IntCounter,
    /// Requests that wait for a page.
    pub(crate) waiting: IntGauge,
    /// Pages sent.
    pub(crate) pages_200: IntCounter,
    /// Answers 304, because the client has the page.
    pub(crate) pages_304: IntCounter,
    /// Pages rendered.
    pub(crate) renderings_plain: IntCounter,
    /// Pages packed.
    pub(crate) renderings_gzip: IntCounter,
    /// Open streams of seat changes.
    pub(crate) streams_open: IntGauge,
}

impl EventMetrics {
    pub(crate) fn register(metrics: &Metrics) -> prometheus::Result<Self> {
        let pages = metrics.counters("event_pages_total", "Pages by status of the answer.", &["status"])?;
        let renderings = metrics.counters(
            "event_renderings_total",
            "Pages rendered; requests at the same moment share one.",
            &["form"],
        )?;
        Ok(Self {
            lookups: metrics.counters(
                "event_details_lookups_total",
                "Lookups of an event's details, by where they were found.",
                &["source"],
            )?,
            changes: metrics.counter("event_changes_total", "Changes of events that the database announced.")?,
            listening: metrics
                .gauge("event_changes_listening", "1 while the database's notifications are received.")?,
            shared_cache_in_use: metrics
                .gauge("event_shared_cache_in_use", "1 while the cache in Redis is trusted.")?,
            pages_without_redis: metrics.counter(
                "event_pages_without_redis_total",
                "Seats read from PostgreSQL alone, because Redis did not answer.",
            )?,
            seat_reads: metrics
                .counter("event_seat_reads_total", "Reads of seats; requests at the same moment share one.")?,
            waiting: metrics.gauge("event_pages_waiting", "Requests that wait for an event to be read.")?,
            pages_200: pages.with_label_values(&["200"]),
            pages_304: pages.with_label_values(&["304"]),
            renderings_plain: renderings.with_label_values(&["plain"]),
            renderings_gzip: renderings.with_label_values(&["gzip"]),
            streams_open: metrics.gauge("event_seat_streams_open", "Streams of seat changes that are open.")?,
        })
    }

    /// Counts a lookup of details by where they were found.
    pub(crate) fn found_in(&self, source: &str) {
        self.lookups.with_label_values(&[source]).inc();
    }
}
