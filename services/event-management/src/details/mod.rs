//! The details of an event: everything of its page but the state of the seats.
//!
//! Looked for in the process, then in Redis, then in PostgreSQL, by one task an event however many ask for it.

mod load;
mod shared;

use std::{sync::Arc, time::Duration};

use kit::{error::ApiError, postgres::Pool};
use moka::future::Cache;
use redis::aio::ConnectionManager;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    freshness::{Freshness, Stamp},
    metrics::EventMetrics,
    page::Template,
};
use shared::SharedCache;

/// Memory for kept events with their last page: some 50 of 2,000 seats, or some thousand small ones.
const CAPACITY_BYTES: u64 = 32 << 20;
/// Changes are announced; should an announcement ever fail to be made, this ends the error.
const MOST_AGE: Duration = Duration::from_secs(300);

/// An event with all that rarely changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EventDetails {
    pub(crate) id: i64,
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) date: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) sale_starts_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) sale_ends_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) cancelled_at: Option<OffsetDateTime>,
    pub(crate) venue: Option<VenueDetails>,
    pub(crate) performers: Vec<PerformerDetails>,
    /// In the order of their ids.
    pub(crate) tickets: Vec<TicketDetails>,
}

/// Where an event takes place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VenueDetails {
    pub(crate) uuid: String,
    pub(crate) location: String,
    /// As it is stored: whatever the map holds, in its order.
    pub(crate) seat_map: Box<RawValue>,
}

/// Who performs.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct PerformerDetails {
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) age: i64,
    pub(crate) description: Option<String>,
}

/// A ticket without its state.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct TicketDetails {
    pub(crate) id: i64,
    pub(crate) uuid: Uuid,
    pub(crate) price: i64,
    pub(crate) seat: String,
}

/// Why there are no details.
#[derive(Debug, Clone)]
pub(crate) enum NoDetails {
    /// There is no such event.
    Missing,
    /// They could not be read. It has been logged.
    Failed(ApiError),
}

/// Finds details, and keeps them, written as a page, as long as they are known to be right.
#[derive(Clone)]
pub(crate) struct Details {
    kept: Cache<(Uuid, Stamp), Arc<Template>>,
    freshness: Arc<Freshness>,
    shared: SharedCache,
    pool: Pool,
    metrics: Arc<EventMetrics>,
}

impl Details {
    /// Nothing kept is trusted before [`Details::heard`].
    pub(crate) fn new(pool: Pool, redis: ConnectionManager, database: &str, metrics: Arc<EventMetrics>) -> Self {
        let kept = Cache::builder()
            .max_capacity(CAPACITY_BYTES)
            .weigher(|_, template: &Arc<Template>| template.weight())
            .time_to_live(MOST_AGE)
            .build();
        let shared = SharedCache::new(redis, database, Arc::clone(&metrics));
        Self { kept, freshness: Arc::new(Freshness::new()), shared, pool, metrics }
    }

    /// The details of an event, not older than the last change heard of.
    pub(crate) async fn of(&self, event: Uuid) -> Result<Arc<Template>, NoDetails> {
        let stamp = self.freshness.stamp(event);
        let entry = self.kept.entry((event, stamp)).or_try_insert_with(self.prepare(event, stamp)).await;
        let entry = entry.map_err(Arc::unwrap_or_clone)?;
        if !entry.is_fresh() {
            self.metrics.found_in("process");
        }
        Ok(entry.into_value())
    }

    async fn prepare(&self, event: Uuid, stamp: Stamp) -> Result<Arc<Template>, NoDetails> {
        let details = self.find(event, stamp).await?;
        let template = Template::new(&details).map_err(|error| {
            tracing::error!(%error, %event, "the page cannot be written as JSON");
            NoDetails::Failed(ApiError::internal())
        })?;
        Ok(Arc::new(template))
    }

    async fn find(&self, event: Uuid, stamp: Stamp) -> Result<EventDetails, NoDetails> {
        // While changes pass unheard, those that should have emptied Redis may have passed too.
        if matches!(stamp, Stamp::Unheard { .. }) {
            return self.load(event).await;
        }
        let ticket = match self.shared.look_up(event).await {
            shared::LookUp::Found(details) => {
                self.metrics.found_in("redis");
                return Ok(*details);
            }
            shared::LookUp::Absent(ticket) => Some(ticket),
            shared::LookUp::Unusable => None,
        };
        let details = self.load(event).await?;
        if let Some(ticket) = ticket {
            self.shared.store(event, &details, ticket).await;
        }
        Ok(details)
    }

    async fn load(&self, event: Uuid) -> Result<EventDetails, NoDetails> {
        self.metrics.found_in("postgres");
        match load::event(&self.pool, event).await {
            Ok(Some(details)) => Ok(details),
            Ok(None) => Err(NoDetails::Missing),
            Err(error) => Err(NoDetails::Failed(error.into())),
        }
    }

    /// These events changed. Redis first: whoever asks with the new stamp must not find there what was read before.
    pub(crate) async fn changed(&self, events: &[Uuid]) {
        self.shared.drop_events(events).await;
        for event in events {
            let before = self.freshness.stamp(*event);
            self.freshness.changed(*event);
            self.kept.invalidate(&(*event, before)).await;
        }
    }

    /// Anything may have changed.
    pub(crate) async fn everything_changed(&self) {
        self.shared.drop_all().await;
        self.freshness.everything_changed();
        self.kept.invalidate_all();
    }

    /// All changes committed before `since` have been heard.
    pub(crate) async fn heard(&self, since: Instant) {
        self.shared.mend().await;
        self.freshness.heard(since);
    }

    /// From now on changes may pass unheard.
    pub(crate) fn deaf(&self) {
        self.freshness.deaf();
    }
}
