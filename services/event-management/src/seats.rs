//! Reads the statuses of an event's seats. They are never cached.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ids::{EventId, TicketId};
use kit::postgres::Pool;
use redis::aio::ConnectionManager;

use crate::{
    metrics::EventMetrics,
    settings::REDIS_TIMEOUT,
    tickets::{TicketStatus, Tickets},
};

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

    /// The status of each ticket now, by one call to each store. When Redis does not answer, no seat shows as held.
    ///
    /// Redis is read first. A sale books in PostgreSQL and then removes its mark from Redis: if PostgreSQL were read
    /// first, neither read would see a sale between the two, and a sold seat would show as available.
    pub(crate) async fn read(
        &self,
        event_id: i64,
        event: EventId,
        tickets: &Tickets,
    ) -> Result<Box<[TicketStatus]>, sqlx::Error> {
        if tickets.len() == 0 {
            return Ok(Box::default());
        }
        self.metrics.seat_reads.inc();
        let held = self.held(event).await;
        // One row with an array. Thousands of rows would cost both sides more than the reading itself.
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
        // Warns once, and not with every page until Redis is back.
        if !self.redis_failed.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "Redis failed: held seats show as available until it answers");
        }
        self.metrics.pages_without_redis.inc();
        Vec::new()
    }
}
