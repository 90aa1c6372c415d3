//! Sizes and lengths of the measures.

use std::time::Duration;

use serde::Serialize;

/// Number of seats of the small event page.
pub(crate) const SMALL_PAGE_SEATS: usize = 20;
/// Number of seats of the large event page, and of each event whose tickets are sold.
pub(crate) const LARGE_PAGE_SEATS: usize = 2000;

/// The rate of an open loop, as a share of the rate that the closed loop reached.
pub(crate) const OPEN_LOOP_SHARE: f64 = 0.3;

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Plan {
    /// Number of runs. Each run measures everything.
    pub runs: usize,
    /// Number of connections of a closed loop.
    pub connections: usize,
    /// Number of clients who want the same ticket.
    pub crowd: usize,
    /// Counted length of each measure.
    pub seconds: f64,
    /// Length of the warm-up before each measure, which is not counted.
    pub warm_up_seconds: f64,
    /// Number of tickets to reserve. A measure ends early when its tickets run out.
    pub tickets_to_reserve: usize,
    /// Number of tickets that PostgreSQL alone sells.
    pub tickets_to_sell: usize,
    /// Number of tickets that the crowd wants, one after the other.
    pub tickets_in_turn: usize,
    /// Number of clients who ask at once for an event that is in no cache.
    pub cold_clients: usize,
}

impl Plan {
    /// The plan of a report.
    pub(crate) const FULL: Self = Self {
        runs: 3,
        connections: 64,
        crowd: 500,
        seconds: 4.0,
        warm_up_seconds: 1.0,
        tickets_to_reserve: 120_000,
        tickets_to_sell: 19_200,
        tickets_in_turn: 100,
        cold_clients: 1000,
    };

    /// The plan that only shows that the benchmark works.
    pub(crate) const QUICK: Self = Self {
        runs: 1,
        connections: 16,
        crowd: 50,
        seconds: 0.4,
        warm_up_seconds: 0.1,
        tickets_to_reserve: 12_000,
        tickets_to_sell: 800,
        tickets_in_turn: 5,
        cold_clients: 100,
    };

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs_f64(self.warm_up_seconds)
    }

    /// How many of the tickets to reserve are kept for the open loop.
    pub(crate) fn kept_for_open_loop(&self) -> usize {
        self.tickets_to_reserve / 4
    }
}
