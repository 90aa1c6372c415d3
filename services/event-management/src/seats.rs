//! The state of an event's seats at this moment. Nothing of it is cached.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ids::{EventId, TicketId};
use kit::postgres::Pool;
use redis::aio::ConnectionManager;
use uuid::Uuid;

use crate::{
    metrics::EventMetrics,
    settings::REDIS_TIMEOUT,
    tickets::{TicketStatus, Tickets},
};

/// Reads seat states.
pub(crate) struct Seats {
    pool: Pool,
    redis: ConnectionManager,
    redis_failed: AtomicBool,
    metrics: Arc<EventMetrics>,
}

impl Seats {
    pub(crate) fn new(pool: Pool, redis: ConnectionManager, metrics: Arc<EventMetrics>) -> Self {
        Self { pool, redis, redis_failed: AtomicBool::default(), metrics }
    }

    /// The status of each ticket now. One call to each store, whatever the number of seats.
    ///
    /// Redis first: a sale books in PostgreSQL and then removes its mark. In the other order a sale between the two reads
    /// would be seen by neither, and a sold seat would show as available.
    ///
    /// # Errors
    /// When PostgreSQL does not answer. Without Redis no seat is held.
    pub(crate) async fn read(
        &self,
        event_id: i64,
        event_uuid: Uuid,
        tickets: &Tickets,
    ) -> Result<Box<[TicketStatus]>, sqlx::Error> {
        if tickets.len() == 0 {
            return Ok(Box::default());
        }
        self.metrics.seat_reads.inc();
        let held = self.held(EventId(event_uuid)).await;
        // One row with an array: thousands of rows cost both sides more than the reading itself.
        let booked: Vec<i64> = sqlx::query_scalar(
            "SELECT coalesce(array_agg(id), '{}') FROM tickets WHERE event_id = $1 AND status = 'booked'",
        )
        .bind(event_id)
        .fetch_one(&self.pool)
        .await?;
        Ok(tickets.statuses(&held, &booked))
    }

    async fn held(&self, event: EventId) -> Vec<TicketId> {
        let mut redis = self.redis.clone();
        let reading = async { seats::held_tickets(&mut redis, event).await };
        let error = match kit::redis::within(REDIS_TIMEOUT, reading).await {
            Ok(held) => {
                if self.redis_failed.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis answers again");
                }
                return held;
            }
            Err(error) => error,
        };
        // Once, not with every page until it is back.
        if !self.redis_failed.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "Redis failed: held seats show as available until it answers");
        }
        self.metrics.pages_without_redis.inc();
        Vec::new()
    }
}
