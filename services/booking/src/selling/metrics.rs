//! What is counted about sales.

use kit::metrics::Metrics;
use prometheus::{Histogram, IntCounter, IntCounterVec};

use super::SaleError;

/// From 0.5 ms (a sale on an idle database) to 15 s (the longest that a sale may take).
const SALE_SECONDS_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

#[derive(Clone)]
pub(crate) struct SaleMetrics {
    sales: IntCounterVec,
    pub(super) sale_seconds: Histogram,
    pub(super) stripe_faults: IntCounter,
}

impl SaleMetrics {
    pub(crate) fn register(metrics: &Metrics) -> prometheus::Result<Self> {
        Ok(Self {
            sales: metrics.counters("booking_sales_total", "Confirmations by outcome.", &["outcome"])?,
            sale_seconds: metrics.histogram(
                "booking_sale_seconds",
                "Time in which PostgreSQL decided a sale.",
                SALE_SECONDS_BUCKETS,
            )?,
            stripe_faults: metrics.counter("booking_stripe_faults_total", "Calls to Stripe without a good answer.")?,
        })
    }

    pub(super) fn count<T>(&self, outcome: &Result<T, SaleError>) {
        let label = match outcome {
            Ok(_) => "sold",
            Err(error) => error.label(),
        };
        self.sales.with_label_values(&[label]).inc();
    }
}
