//! What is counted about holds.

use kit::metrics::Metrics;
use prometheus::IntCounterVec;
use seats::PlacedHold;

use super::HoldError;

pub(crate) struct HoldMetrics {
    reservations: IntCounterVec,
}

impl HoldMetrics {
    pub(crate) fn register(metrics: &Metrics) -> prometheus::Result<Self> {
        let reservations = metrics.counters("booking_reservations_total", "Reservations by outcome.", &["outcome"])?;
        Ok(Self { reservations })
    }

    pub(super) fn count(&self, outcome: &Result<PlacedHold, HoldError>) {
        let label = match outcome {
            Ok(placed) if placed.is_new() => "held_now",
            Ok(_) => "repeated",
            Err(error) => error.label(),
        };
        self.reservations.with_label_values(&[label]).inc();
    }
}
