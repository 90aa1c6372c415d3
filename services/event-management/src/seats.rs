//! The state of an event's seats at this moment. Nothing of it is cached.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use moka::future::Cache;
use redis::aio::ConnectionManager;
use service_kit::error::ApiError;
use sqlx::PgPool;

use crate::details::EventDetails;
use crate::metrics::EventMetrics;
use crate::turns::Turns;

/// The longest wait for Redis: without it a page still tells what is sold, only not what is held.
const REDIS_TIMEOUT: Duration = Duration::from_millis(250);

/// More events than this are not looked at in the same moment.
const MOST_TURNS: u64 = 10_000;
/// A turn is of use while several ask at once; kept longer, the answers of many large events would only fill memory.
const TURN_LIFETIME: Duration = Duration::from_secs(1);

/// Reads seat states.
#[derive(Clone)]
pub(crate) struct Seats {
    turns: Cache<i64, Arc<Turns<Answer>>>,
    pool: PgPool,
    redis: ConnectionManager,
    redis_failed: Arc<AtomicBool>,
    metrics: EventMetrics,
}

type Answer = Result<Arc<SeatStates>, ApiError>;

/// Which tickets of an event are not available.
#[derive(Debug, Default)]
pub(crate) struct SeatStates {
    /// Uuids of tickets with a live hold, or being sold.
    pub(crate) held: HashSet<String>,
    /// Ids of tickets that are sold.
    pub(crate) booked: HashSet<i64>,
}

impl Seats {
    pub(crate) fn new(pool: PgPool, redis: ConnectionManager, metrics: EventMetrics) -> Self {
        Self {
            turns: Cache::builder().max_capacity(MOST_TURNS).time_to_idle(TURN_LIFETIME).build(),
            pool,
            redis,
            redis_failed: Arc::default(),
            metrics,
        }
    }

    /// The state now: read after this was called, though perhaps for several who ask at once.
    ///
    /// # Errors
    /// When PostgreSQL does not answer. Without Redis no seat is held.
    pub(crate) async fn states(&self, event: &EventDetails) -> Answer {
        if event.tickets.is_empty() {
            return Ok(Arc::default());
        }
        let turns = self.turns.get_with(event.id, async { Arc::default() }).await;
        turns.take(async || Ok(Arc::new(self.read(event).await?))).await
    }

    /// One call to each store, whatever the number of seats.
    ///
    /// Redis first: a sale books in PostgreSQL and then removes its mark. In the other order a sale between the two reads
    /// would be seen by neither, and a sold seat would show as available.
    async fn read(&self, event: &EventDetails) -> Result<SeatStates, sqlx::Error> {
        let held = self.held(&event.uuid).await;
        let booked: Vec<i64> = sqlx::query_scalar("SELECT id FROM tickets WHERE event_id = $1 AND status = 'booked'")
            .bind(event.id)
            .fetch_all(&self.pool)
            .await?;
        Ok(SeatStates { held, booked: booked.into_iter().collect() })
    }

    async fn held(&self, event_uuid: &str) -> HashSet<String> {
        let mut redis = self.redis.clone();
        let failure = match tokio::time::timeout(REDIS_TIMEOUT, seats::held(&mut redis, event_uuid)).await {
            Ok(Ok(held)) => {
                if self.redis_failed.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis answers again");
                }
                return held;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {REDIS_TIMEOUT:?}"),
        };
        // Once, not with every page until it is back.
        if !self.redis_failed.swap(true, Ordering::Relaxed) {
            tracing::warn!(reason = failure, "Redis failed: held seats show as available until it answers");
        }
        self.metrics.pages_without_redis.inc();
        HashSet::new()
    }
}
