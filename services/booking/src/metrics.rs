//! What the service counts beside its requests.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use seats::PlacedHold;

use crate::failure::Failure;

/// From 0.5 ms, a sale on an idle database, to 15 s, the longest that a sale may take.
const SALE_SECONDS_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

/// The service's own metrics.
#[derive(Clone)]
pub struct BookingMetrics {
    reservations: IntCounterVec,
    sales: IntCounterVec,
    pub(crate) sale_seconds: Histogram,
    pub(crate) sweeps: IntCounterVec,
    pub(crate) stale_sales: IntGauge,
    pub(crate) redis_losses: IntCounterVec,
    pub(crate) stripe_faults: IntCounter,
    pub(crate) stuck_orders: IntGauge,
}

impl BookingMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a metric of that name exists.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            reservations: IntCounterVec::new(
                Opts::new("booking_reservations_total", "Reservations by outcome."),
                &["outcome"],
            )?,
            sales: IntCounterVec::new(Opts::new("booking_sales_total", "Confirmations by outcome."), &["outcome"])?,
            sale_seconds: Histogram::with_opts(
                HistogramOpts::new("booking_sale_seconds", "Time in which PostgreSQL decided a sale.")
                    .buckets(SALE_SECONDS_BUCKETS.to_vec()),
            )?,
            sweeps: IntCounterVec::new(
                Opts::new("booking_swept_sales_total", "Sales that were left behind, by how they were ended."),
                &["outcome"],
            )?,
            stale_sales: IntGauge::new("booking_stale_sales", "Sales left behind that the last look found.")?,
            redis_losses: IntCounterVec::new(
                Opts::new("booking_redis_losses_total", "Times that Redis lost holds: all, or its last writes."),
                &["lost"],
            )?,
            stripe_faults: IntCounter::new("booking_stripe_faults_total", "Calls to Stripe without a good answer.")?,
            stuck_orders: IntGauge::new("booking_stuck_orders", "Orders that wait for a person.")?,
        };
        registry.register(Box::new(metrics.reservations.clone()))?;
        registry.register(Box::new(metrics.sales.clone()))?;
        registry.register(Box::new(metrics.sale_seconds.clone()))?;
        registry.register(Box::new(metrics.sweeps.clone()))?;
        registry.register(Box::new(metrics.stale_sales.clone()))?;
        registry.register(Box::new(metrics.redis_losses.clone()))?;
        registry.register(Box::new(metrics.stripe_faults.clone()))?;
        registry.register(Box::new(metrics.stuck_orders.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn reserved(&self, outcome: &Result<PlacedHold, Failure>) {
        let label = match outcome {
            Ok(held) if held.is_new() => "held_now",
            Ok(_) => "repeated",
            Err(failure) => failure.label(),
        };
        self.reservations.with_label_values(&[label]).inc();
    }

    pub(crate) fn confirmed<T>(&self, outcome: &Result<T, Failure>) {
        let label = match outcome {
            Ok(_) => "sold",
            Err(failure) => failure.label(),
        };
        self.sales.with_label_values(&[label]).inc();
    }
}
