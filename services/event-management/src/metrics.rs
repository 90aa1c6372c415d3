//! What this service counts.

use kit::metrics::Metrics;
use prometheus::{IntCounter, IntCounterVec, IntGauge};

/// The service's own metrics. Each is a counter behind a pointer: share them whole instead of copying them.
pub(crate) struct EventMetrics {
    /// Where an event's details came from: `process`, `redis` or `postgres`.
    pub(crate) lookups: IntCounterVec,
    /// Announced changes.
    pub(crate) changes: IntCounter,
    /// 1 while changes are heard.
    pub(crate) listening: IntGauge,
    /// 1 while the shared cache in Redis is used.
    pub(crate) shared_cache_in_use: IntGauge,
    /// Reads of the seats without their marks, because Redis did not answer.
    pub(crate) pages_without_redis: IntCounter,
    /// Reads of the seats of an event, each for all who asked at once.
    pub(crate) seat_reads: IntCounter,
    /// Requests that wait for a page.
    pub(crate) waiting: IntGauge,
    /// Pages answered whole.
    pub(crate) pages_200: IntCounter,
    /// Pages that the client had already.
    pub(crate) pages_304: IntCounter,
    /// Pages written.
    pub(crate) renderings_plain: IntCounter,
    /// Pages packed.
    pub(crate) renderings_gzip: IntCounter,
    /// Streams of seat changes that are open.
    pub(crate) streams_open: IntGauge,
}

impl EventMetrics {
    /// Creates and registers them.
    pub(crate) fn register(metrics: &Metrics) -> prometheus::Result<Self> {
        let pages = metrics.counters("event_pages_total", "Pages by status of the answer.", &["status"])?;
        let renderings =
            metrics.counters("event_renderings_total", "Pages made, each for all who share it.", &["form"])?;
        Ok(Self {
            lookups: metrics.counters(
                "event_details_lookups_total",
                "Lookups of an event's details by where they were found.",
                &["source"],
            )?,
            changes: metrics.counter("event_changes_total", "Changes of events that the database announced.")?,
            listening: metrics.gauge("event_changes_listening", "1 while the database's announcements are heard.")?,
            shared_cache_in_use: metrics
                .gauge("event_shared_cache_in_use", "1 while the cache in Redis is trusted.")?,
            pages_without_redis: metrics.counter(
                "event_pages_without_redis_total",
                "Seats read from PostgreSQL alone, because Redis did not answer.",
            )?,
            seat_reads: metrics.counter("event_seat_reads_total", "Reads of seats, each for all who asked at once.")?,
            waiting: metrics.gauge("event_pages_waiting", "Requests that wait for an event to be read.")?,
            pages_200: pages.with_label_values(&["200"]),
            pages_304: pages.with_label_values(&["304"]),
            renderings_plain: renderings.with_label_values(&["plain"]),
            renderings_gzip: renderings.with_label_values(&["gzip"]),
            streams_open: metrics.gauge("event_seat_streams_open", "Streams of seat changes that are open.")?,
        })
    }

    /// Counts a lookup.
    pub(crate) fn found_in(&self, source: &str) {
        self.lookups.with_label_values(&[source]).inc();
    }
}
