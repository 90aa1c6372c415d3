//! Tells Redis what PostgreSQL has decided.

use redis::{RedisResult, aio::ConnectionManager};
use seats::SaleAttempt;

use crate::orders::lifecycle::SeatsAfter;

/// The marks of seats that are being sold. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Marks {
    redis: ConnectionManager,
}

impl Marks {
    pub(crate) fn new(redis: ConnectionManager) -> Self {
        Self { redis }
    }

    /// Marks the seats of the attempt as the order's state says.
    pub(crate) async fn settle(&self, seats: SeatsAfter, attempt: &SaleAttempt) -> RedisResult<()> {
        match seats {
            SeatsAfter::Undecided => {}
            SeatsAfter::Booked => self.book(attempt).await,
            SeatsAfter::HoldRestored => drop(self.restore(attempt).await?),
            SeatsAfter::HoldReleased => self.release(attempt).await?,
            SeatsAfter::Available => self.clear(attempt).await,
        }
        Ok(())
    }

    /// Marks sold seats as booked.
    pub(crate) async fn book(&self, attempt: &SaleAttempt) {
        if let Err(error) = seats::finish_sale(&mut self.redis.clone(), attempt).await {
            // The sale is committed: the sweeper marks the seats.
            tracing::warn!(%error, order = %attempt.order, "sold seats are not marked yet");
        }
    }

    /// Removes the marks of seats that are available again.
    pub(crate) async fn clear(&self, attempt: &SaleAttempt) {
        let mut redis = self.redis.clone();
        if let Err(error) = seats::clear_booked(&mut redis, attempt.event, Some(attempt.user), &attempt.tickets).await {
            // The next reservation of one of them finds out that the mark is wrong.
            tracing::warn!(%error, order = %attempt.order, "refunded seats are still marked as booked");
        }
    }

    /// Brings back what is left of the hold. Returns for how many tickets.
    async fn restore(&self, attempt: &SaleAttempt) -> RedisResult<usize> {
        Ok(seats::cancel_sale(&mut self.redis.clone(), attempt).await?.restored)
    }

    /// Ends the sale and the hold.
    async fn release(&self, attempt: &SaleAttempt) -> RedisResult<()> {
        let mut redis = self.redis.clone();
        seats::cancel_sale(&mut redis, attempt).await?;
        seats::release(&mut redis, attempt.event, attempt.user, &attempt.tickets).await?;
        Ok(())
    }
}
