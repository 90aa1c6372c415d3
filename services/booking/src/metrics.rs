//! What the service counts beside its requests.

use kit::metrics::Metrics;
use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge};
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
    /// Makes and registers them.
    ///
    /// # Errors
    /// When a metric of that name exists.
    pub fn register(metrics: &Metrics) -> prometheus::Result<Self> {
        Ok(Self {
            reservations: metrics.counters("booking_reservations_total", "Reservations by outcome.", &["outcome"])?,
            sales: metrics.counters("booking_sales_total", "Confirmations by outcome.", &["outcome"])?,
            sale_seconds: metrics.histogram(
                "booking_sale_seconds",
                "Time in which PostgreSQL decided a sale.",
                SALE_SECONDS_BUCKETS,
            )?,
            sweeps: metrics.counters(
                "booking_swept_sales_total",
                "Sales that were left behind, by how they were ended.",
                &["outcome"],
            )?,
            stale_sales: metrics.gauge("booking_stale_sales", "Sales left behind that the last look found.")?,
            redis_losses: metrics.counters(
                "booking_redis_losses_total",
                "Times that Redis lost holds: all, or its last writes.",
                &["lost"],
            )?,
            stripe_faults: metrics.counter("booking_stripe_faults_total", "Calls to Stripe without a good answer.")?,
            stuck_orders: metrics.gauge("booking_stuck_orders", "Orders that wait for a person.")?,
        })
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
