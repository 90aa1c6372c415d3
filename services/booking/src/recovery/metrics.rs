//! What is counted about recovery.

use kit::metrics::Metrics;
use prometheus::{IntCounterVec, IntGauge};

pub(crate) struct SweepMetrics {
    pub(super) sweeps: IntCounterVec,
    pub(super) stale_sales: IntGauge,
    pub(super) redis_losses: IntCounterVec,
    pub(super) stuck_orders: IntGauge,
}

impl SweepMetrics {
    pub(crate) fn register(metrics: &Metrics) -> prometheus::Result<Self> {
        Ok(Self {
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
            stuck_orders: metrics.gauge("booking_stuck_orders", "Orders that wait for a person.")?,
        })
    }
}
