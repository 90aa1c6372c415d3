//! Ends what a crash, a lost connection or a lost answer left behind: sales that stand in Redis, and orders whose payment
//! nobody brings on. Also looks whether Redis lost its memory, and forgets old idempotency keys.
//!
//! Several replicas may sweep at once: PostgreSQL decides an order once, and ending a sale twice changes nothing.

use std::time::Duration;

use futures::future::join_all;
use seats::SaleAttempt;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    booking::Booking,
    epoch::{Epoch, Loss},
    failure::Failure,
    orders::{
        OrderState,
        decision::{Decision, cancel_unborn},
        idempotency, reason, steps,
    },
    payments::Payments,
    settings::SweepSettings,
};

/// Sales looked at in one go: enough to catch up after an outage, few enough to notice the end of the process in between.
const BATCH: usize = 100;
/// Orders claimed in one go; each may take several calls to Stripe.
const ORDERS: i64 = 20;
/// Old keys are no hurry.
const FORGET_EVERY: Duration = Duration::from_hours(1);

impl Booking {
    /// Sweeps until `shutdown`.
    pub async fn sweep_until(&self, shutdown: CancellationToken, settings: SweepSettings) {
        let mut ticks = tokio::time::interval(settings.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut epoch, mut forgot_at) = (None, None::<Instant>);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // A store that is down is not the end of sweeping, nor of the other parts: the next look comes.
            told("Redis' memory could not be looked at", self.watch_redis(&mut epoch).await);
            told("sales that were left behind could not be ended", self.sweep(settings).await);
            told("orders could not be brought on", self.bring_on_orders().await);
            if forgot_at.is_none_or(|at| at.elapsed() >= FORGET_EVERY) {
                forgot_at = Some(Instant::now());
                let forgotten = idempotency::forget_old(&self.postgres).await.map_err(Failure::from);
                told("old idempotency keys could not be forgotten", forgotten);
            }
        }
    }

    async fn watch_redis(&self, last: &mut Option<Epoch>) -> Result<(), Failure> {
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

    /// Ends the sales that began long enough ago. Returns how many it looked at.
    ///
    /// # Errors
    /// The first failure of a store; what is left is found again.
    pub async fn sweep(&self, settings: SweepSettings) -> Result<usize, Failure> {
        let stale = seats::stale_sales(&mut self.redis.clone(), settings.after, BATCH).await?;
        self.metrics.stale_sales.set(i64::try_from(stale.len()).unwrap_or(i64::MAX));
        for sale in &stale {
            self.end(sale).await?;
        }
        Ok(stale.len())
    }

    async fn end(&self, sale: &SaleAttempt) -> Result<(), Failure> {
        let provider = self.payments.name();
        let Decision { state, .. } = cancel_unborn(&self.postgres, sale, provider, reason::ABANDONED).await?;
        let mut redis = self.redis.clone();
        let outcome = match state {
            OrderState::Booked => {
                seats::finish_sale(&mut redis, sale).await?;
                "finished"
            }
            OrderState::Refunded => {
                seats::finish_sale(&mut redis, sale).await?;
                self.mark_available(sale).await;
                "freed"
            }
            OrderState::Cancelled if seats::cancel_sale(&mut redis, sale).await?.restored > 0 => "restored",
            OrderState::Cancelled => "freed",
            // Its payment is under way, and is brought on below; until then the seat is nobody else's.
            OrderState::Pending | OrderState::Paying | OrderState::Stuck => {
                return Ok(seats::touch_sale(&mut redis, sale).await?);
            }
        };
        self.metrics.sweeps.with_label_values(&[outcome]).inc();
        tracing::warn!(order = %sale.order, tickets = ?sale.tickets, outcome, "ended a sale that was left behind");
        Ok(())
    }

    /// Drives orders that nobody has brought on for a while. Returns how many.
    ///
    /// # Errors
    /// When PostgreSQL does not say which; an order that fails is found again.
    pub async fn bring_on_orders(&self) -> Result<usize, Failure> {
        let Payments::Stripe(payments) = &self.payments else { return Ok(0) };
        let due = steps::claim_due(&self.postgres, ORDERS).await?;
        // Side by side: when Stripe does not answer, one after the other would take minutes.
        join_all(due.iter().map(async |order| match self.drive(payments, *order).await {
            Ok(settled) => tracing::info!(%order, ?settled, "brought an order on"),
            Err(error) => tracing::warn!(%order, %error, "the order could not be brought on"),
        }))
        .await;
        self.metrics.stuck_orders.set(steps::count_stuck(&self.postgres).await?);
        Ok(due.len())
    }
}

fn told<T>(what: &str, outcome: Result<T, Failure>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "{what}");
    }
}
