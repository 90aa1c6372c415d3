//! Ends the sales that a crash, a lost connection or a lost answer left behind.
//!
//! Several replicas may sweep at once: PostgreSQL decides an attempt once, and ending a sale twice changes nothing.

use seats::Sale;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{
    booking::Booking,
    failure::Failure,
    orders::{self, Decision},
    settings::SweepSettings,
};

/// Sales looked at in one go: enough to catch up after an outage, few enough to notice the end of the process in between.
const BATCH: usize = 100;

impl Booking {
    /// Sweeps until `shutdown`.
    pub async fn sweep_until(&self, shutdown: CancellationToken, settings: SweepSettings) {
        let mut ticks = tokio::time::interval(settings.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            // A store that is down is not the end of sweeping: the next look comes.
            if let Err(error) = self.sweep(settings).await {
                tracing::warn!(%error, "sales that were left behind could not be ended");
            }
        }
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

    async fn end(&self, sale: &Sale) -> Result<(), Failure> {
        let mut redis = self.redis.clone();
        let decision = orders::decide(&self.postgres, sale, self.payments, Decision::Abandoned).await?;
        let outcome = if decision == Decision::Sold {
            seats::finish_sale(&mut redis, sale).await?;
            "finished"
        } else if seats::cancel_sale(&mut redis, sale).await?.restored > 0 {
            "restored"
        } else {
            "freed"
        };
        self.metrics.sweeps.with_label_values(&[outcome]).inc();
        tracing::warn!(attempt = %sale.attempt, tickets = ?sale.tickets, outcome, "ended a sale that was left behind");
        Ok(())
    }
}
