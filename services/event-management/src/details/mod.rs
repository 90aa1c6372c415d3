//! The details of an event: all of its page but the state of the seats.
//!
//! They are looked for in Redis, then in PostgreSQL. A [`Stamp`] says which changes of the event this process knows of.

mod freshness;
mod load;
mod shared;

use std::sync::Arc;

use ids::EventId;
use kit::postgres::Pool;
use redis::aio::ConnectionManager;
use thiserror::Error;
use tokio::time::Instant;

pub(crate) use self::freshness::Stamp;
use self::{
    freshness::Freshness,
    shared::{LookUp, SharedCache},
};
use crate::{event::EventDetails, metrics::EventMetrics};

/// Why an event cannot be shown. The cause is logged where it occurs: once for all requests that share a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum DetailsError {
    #[error("there is no such event")]
    Missing,
    #[error("PostgreSQL cannot answer now")]
    Unavailable,
    #[error("a fault of the service")]
    Internal,
}

impl From<sqlx::Error> for DetailsError {
    fn from(error: sqlx::Error) -> Self {
        let unavailable = kit::postgres::is_unavailable(&error);
        tracing::error!(%error, unavailable, "PostgreSQL failed");
        if unavailable { Self::Unavailable } else { Self::Internal }
    }
}

/// Finds details.
pub(crate) struct Details {
    freshness: Freshness,
    shared: SharedCache,
    pool: Pool,
    metrics: Arc<EventMetrics>,
}

impl Details {
    /// Redis is not used before the first [`Details::confirm`].
    pub(crate) fn new(pool: Pool, redis: ConnectionManager, database: &str, metrics: Arc<EventMetrics>) -> Self {
        let shared = SharedCache::new(redis, database, Arc::clone(&metrics));
        Self { freshness: Freshness::new(), shared, pool, metrics }
    }

    /// The stamp under which an answer about this event is looked up and made. It must be taken before the details are
    /// read.
    pub(crate) fn stamp(&self, event: EventId) -> Stamp {
        self.freshness.stamp(event)
    }

    /// The details of an event, not older than its stamp.
    pub(crate) async fn find(&self, event: EventId, stamp: Stamp) -> Result<EventDetails, DetailsError> {
        // While this process is unsubscribed it may miss the changes that it should have applied to Redis.
        if matches!(stamp, Stamp::Unsubscribed { .. }) {
            return self.load(event).await;
        }
        let token = match self.shared.look_up(event).await {
            LookUp::Found(details) => {
                self.metrics.found_in("redis");
                return Ok(*details);
            }
            LookUp::Absent(token) => Some(token),
            LookUp::Unusable => None,
        };
        let details = self.load(event).await?;
        if let Some(token) = token {
            self.shared.store(event, &details, token).await;
        }
        Ok(details)
    }

    async fn load(&self, event: EventId) -> Result<EventDetails, DetailsError> {
        self.metrics.found_in("postgres");
        load::event(&self.pool, event).await?.ok_or(DetailsError::Missing)
    }

    /// Notes that these events changed. Redis is cleared first: a request with the new stamp must not find there what
    /// was read before the change.
    pub(crate) async fn changed(&self, events: &[EventId]) {
        self.shared.drop_events(events).await;
        for event in events {
            self.freshness.changed(*event);
        }
    }

    /// Notes that any event may have changed.
    pub(crate) async fn everything_changed(&self) {
        self.shared.drop_all().await;
        self.freshness.everything_changed();
    }

    /// Notes that all changes committed before `since` have been received.
    pub(crate) async fn confirm(&self, since: Instant) {
        self.shared.begin_epoch_if_needed().await;
        self.freshness.confirm(since);
    }

    /// Notes that changes may be missed from now on.
    pub(crate) fn unsubscribed(&self) {
        self.freshness.unsubscribed();
    }
}
