//! What this service counts.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// The service's own metrics.
#[derive(Clone)]
pub(crate) struct EventMetrics {
    /// Where an event's details came from: `process`, `redis` or `postgres`.
    pub(crate) lookups: IntCounterVec,
    /// Announced changes.
    pub(crate) changes: IntCounter,
    /// 1 while changes are heard.
    pub(crate) listening: IntGauge,
    /// 1 while the shared cache in Redis is used.
    pub(crate) shared_cache_in_use: IntGauge,
    /// Pages answered without the seats' marks, because Redis did not answer.
    pub(crate) pages_without_redis: IntCounter,
}

impl EventMetrics {
    /// Creates and registers them.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            lookups: IntCounterVec::new(
                Opts::new("event_details_lookups_total", "Lookups of an event's details by where they were found."),
                &["source"],
            )?,
            changes: IntCounter::new("event_changes_total", "Changes of events that the database announced.")?,
            listening: IntGauge::new("event_changes_listening", "1 while the database's announcements are heard.")?,
            shared_cache_in_use: IntGauge::new("event_shared_cache_in_use", "1 while the cache in Redis is trusted.")?,
            pages_without_redis: IntCounter::new(
                "event_pages_without_redis_total",
                "Pages answered from PostgreSQL alone, because Redis did not answer.",
            )?,
        };
        registry.register(Box::new(metrics.lookups.clone()))?;
        registry.register(Box::new(metrics.changes.clone()))?;
        registry.register(Box::new(metrics.listening.clone()))?;
        registry.register(Box::new(metrics.shared_cache_in_use.clone()))?;
        registry.register(Box::new(metrics.pages_without_redis.clone()))?;
        Ok(metrics)
    }

    /// Counts a lookup.
    pub(crate) fn found_in(&self, source: &str) {
        self.lookups.with_label_values(&[source]).inc();
    }
}
