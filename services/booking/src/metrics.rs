//! What the service counts beside its requests.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};
use seats::HeldTicket;

use crate::failure::Failure;

/// From 0.5 ms, a sale on an idle database, to 5 s, its transaction's time limit.
const SALE_SECONDS_BUCKETS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The service's own metrics.
#[derive(Clone)]
pub struct BookingMetrics {
    reservations: IntCounterVec,
    sales: IntCounterVec,
    pub(crate) sale_seconds: Histogram,
    pub(crate) sweeps: IntCounterVec,
    pub(crate) stale_sales: IntGauge,
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
        };
        registry.register(Box::new(metrics.reservations.clone()))?;
        registry.register(Box::new(metrics.sales.clone()))?;
        registry.register(Box::new(metrics.sale_seconds.clone()))?;
        registry.register(Box::new(metrics.sweeps.clone()))?;
        registry.register(Box::new(metrics.stale_sales.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn reserved(&self, outcome: &Result<HeldTicket, Failure>) {
        let label = match outcome {
            Ok(held) if held.new => "held_now",
            Ok(_) => "repeated",
            Err(failure) => failure_label(failure),
        };
        self.reservations.with_label_values(&[label]).inc();
    }

    pub(crate) fn confirmed(&self, outcome: &Result<(), Failure>) {
        let label = match outcome {
            Ok(()) => "sold",
            Err(failure) => failure_label(failure),
        };
        self.sales.with_label_values(&[label]).inc();
    }
}

fn failure_label(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(refusal) => refusal.label(),
        Failure::GivenUp => "given_up",
        Failure::Postgres(_) => "postgres_failed",
        Failure::Redis(_) => "redis_failed",
        Failure::Task(_) => "failed",
    }
}
