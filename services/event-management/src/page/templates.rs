//! The templates of events, kept in the process.

use std::{sync::Arc, time::Duration};

use ids::EventId;
use moka::future::Cache;
use tokio::time::Instant;

use super::template::Template;
use crate::{
    details::{Details, DetailsError, Stamp},
    metrics::EventMetrics,
};

/// The memory for templates with their last rendering: some 50 events of 2,000 seats, or some thousand small ones.
const CAPACITY_BYTES: u64 = 32 << 20;
/// The longest that a template is kept. Changes are announced; should an announcement be missing, this ends the error.
const MAX_AGE: Duration = Duration::from_secs(300);

/// Keeps templates as long as they are known to be up to date. However many requests ask for one, one of them makes it.
pub(crate) struct Templates {
    kept: Cache<(EventId, Stamp), Arc<Template>>,
    details: Details,
    metrics: Arc<EventMetrics>,
}

impl Templates {
    pub(crate) fn new(details: Details, metrics: Arc<EventMetrics>) -> Self {
        let kept = Cache::builder()
            .max_capacity(CAPACITY_BYTES)
            .weigher(|_, template: &Arc<Template>| template.weight())
            .time_to_live(MAX_AGE)
            .build();
        Self { kept, details, metrics }
    }

    /// The template of an event, not older than the last change that was received.
    pub(crate) async fn of(&self, event: EventId) -> Result<Arc<Template>, DetailsError> {
        let stamp = self.details.stamp(event);
        let entry = self.kept.entry((event, stamp)).or_try_insert_with(self.make(event, stamp)).await;
        let entry = entry.map_err(|error| *error)?;
        if !entry.is_fresh() {
            self.metrics.found_in("process");
        }
        Ok(entry.into_value())
    }

    async fn make(&self, event: EventId, stamp: Stamp) -> Result<Arc<Template>, DetailsError> {
        let details = self.details.find(event, stamp).await?;
        let template = Template::new(&details).map_err(|error| {
            tracing::error!(%error, %event, "the page cannot be written as JSON");
            DetailsError::Internal
        })?;
        Ok(Arc::new(template))
    }

    /// Notes that these events changed.
    pub(crate) async fn changed(&self, events: &[EventId]) {
        let outdated: Vec<_> = events.iter().map(|event| (*event, self.details.stamp(*event))).collect();
        self.details.changed(events).await;
        for key in &outdated {
            self.kept.invalidate(key).await;
        }
    }

    /// Notes that any event may have changed.
    pub(crate) async fn everything_changed(&self) {
        self.details.everything_changed().await;
        self.kept.invalidate_all();
    }

    /// Notes that all changes committed before `since` have been received.
    pub(crate) async fn confirm(&self, since: Instant) {
        self.details.confirm(since).await;
    }

    /// Notes that changes may be missed from now on.
    pub(crate) fn unsubscribed(&self) {
        self.details.unsubscribed();
    }
}
