//! Ends what a crash, a lost connection or a lost answer left behind: sales that stand in Redis, and orders whose
//! payment nobody drives. It also notices when Redis lost its memory, and deletes old idempotency keys.
//!
//! Several replicas may sweep at once: PostgreSQL decides an order once, and ending a sale twice changes nothing.

mod epoch;
mod metrics;

use std::{fmt::Display, time::Duration};

use futures::future::join_all;
use redis::{RedisResult, aio::ConnectionManager};
use seats::SaleAttempt;
use thiserror::Error;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::epoch::{Epoch, Loss};
pub(crate) use self::metrics::SweepMetrics;
use crate::{
    orders::{OrderState, Orders, Provider, Reason},
    selling::{Marks, PaymentDriver},
    settings::SweepSettings,
};

/// The most sales of one look: enough to catch up after an outage, few enough to notice the end of the process in
/// between.
const BATCH: usize = 100;
/// The most orders that are claimed together. Each may take several calls to Stripe.
const ORDERS: i64 = 20;
/// Old keys are not urgent.
const DELETE_KEYS_EVERY: Duration = Duration::from_hours(1);

/// A store failed. What is left is found again by the next look.
#[derive(Debug, Error)]
enum SweepError {
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] sqlx::Error),
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
}

/// Finishes what a crash left.
pub(crate) struct Sweeper {
    pub(crate) redis: ConnectionManager,
    pub(crate) orders: Orders,
    pub(crate) marks: Marks,
    /// `None` where nothing is paid.
    pub(crate) driver: Option<PaymentDriver>,
    pub(crate) metrics: SweepMetrics,
    pub(crate) settings: SweepSettings,
}

impl Sweeper {
    /// Sweeps until `shutdown`.
    pub(crate) async fn run(&self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(self.settings.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut epoch, mut keys_deleted_at) = (None, None::<Instant>);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // A store that is down ends neither the sweeping nor its other parts: the next look comes.
            log_failure("Redis' memory could not be checked", self.watch_redis(&mut epoch).await);
            log_failure("sales that were left behind could not be ended", self.sweep().await);
            log_failure("orders could not be resumed", self.resume_orders().await);
            if keys_deleted_at.is_none_or(|at| at.elapsed() >= DELETE_KEYS_EVERY) {
                keys_deleted_at = Some(Instant::now());
                log_failure("old idempotency keys could not be deleted", self.orders.delete_old_keys().await);
            }
        }
    }

    async fn watch_redis(&self, last: &mut Option<Epoch>) -> RedisResult<()> {
        let now = Epoch::read(&mut self.redis.clone()).await?;
        if let Some(loss) = last.as_ref().and_then(|last| now.loss_since(last)) {
            self.metrics.redis_losses.with_label_values(&[loss.label()]).inc();
            match loss {
                Loss::All => tracing::error!("Redis lost its memory: all holds are gone, customers must reserve again"),
                Loss::LastWrites => {
                    tracing::error!(
                        "Redis is another server or was started anew: holds of the last seconds may be gone"
                    );
                }
            }
        }
        *last = Some(now);
        Ok(())
    }

    /// Ends the sales that began long enough ago.
    async fn sweep(&self) -> Result<(), SweepError> {
        let stale = seats::stale_sales(&mut self.redis.clone(), self.settings.after, BATCH).await?;
        self.metrics.stale_sales.set(i64::try_from(stale.len()).unwrap_or(i64::MAX));
        for attempt in &stale {
            self.end(attempt).await?;
        }
        Ok(())
    }

    async fn end(&self, attempt: &SaleAttempt) -> Result<(), SweepError> {
        let provider = if self.driver.is_some() { Provider::Stripe } else { Provider::Free };
        let decision = self.orders.fence(attempt, provider, Reason::Abandoned).await?;
        let mut redis = self.redis.clone();
        let outcome = match decision.state {
            OrderState::Booked => {
                seats::finish_sale(&mut redis, attempt).await?;
                "finished"
            }
            OrderState::Refunded => {
                seats::finish_sale(&mut redis, attempt).await?;
                self.marks.clear(attempt).await;
                "freed"
            }
            OrderState::Cancelled if seats::cancel_sale(&mut redis, attempt).await?.restored > 0 => "restored",
            OrderState::Cancelled => "freed",
            // Its payment is under way and is resumed below. Until then nobody else can have the seat.
            OrderState::Pending | OrderState::Paying | OrderState::Stuck => {
                return Ok(seats::touch_sale(&mut redis, attempt).await?);
            }
        };
        self.metrics.sweeps.with_label_values(&[outcome]).inc();
        tracing::warn!(order = %attempt.order, tickets = ?attempt.tickets, outcome, "ended a sale that was left behind");
        Ok(())
    }

    /// Resumes the orders that nobody has driven for a while. An order that fails is found again.
    async fn resume_orders(&self) -> sqlx::Result<()> {
        let Some(driver) = &self.driver else { return Ok(()) };
        let due = self.orders.claim_due(ORDERS).await?;
        // Side by side: when Stripe does not answer, one after the other would take minutes.
        join_all(due.iter().map(async |order| match driver.drive(*order).await {
            Ok(settled) => tracing::info!(%order, ?settled, "resumed an order"),
            Err(error) => tracing::warn!(%order, %error, "the order could not be resumed"),
        }))
        .await;
        self.metrics.stuck_orders.set(self.orders.count_stuck().await?);
        Ok(())
    }
}

fn log_failure<T, E: Display>(what: &str, outcome: Result<T, E>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "{what}");
    }
}
