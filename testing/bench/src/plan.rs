//! How much is measured.

use std::time::Duration;

use serde::Serialize;

/// Seats of the small event page.
pub(crate) const SMALL_PAGE_SEATS: usize = 20;
/// Seats of the large event page, and of each event whose tickets are sold.
pub(crate) const LARGE_PAGE_SEATS: usize = 2000;

/// Arrivals of an open loop, as part of what the closed loop showed to be possible.
pub(crate) const OPEN_LOOP_SHARE: f64 = 0.3;

/// Sizes and lengths of all measures.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Plan {
    /// The whole is measured so many times.
    pub runs: usize,
    /// Connections of a closed loop.
    pub connections: usize,
    /// Clients who want the same ticket.
    pub crowd: usize,
    /// Length of each measure.
    pub seconds: f64,
    /// Before each measure, uncounted.
    pub warm_up_seconds: f64,
    /// Tickets to reserve. A measure that uses all of its tickets up ends early.
    pub tickets_to_reserve: usize,
    /// Tickets that PostgreSQL alone sells.
    pub tickets_to_sell: usize,
    /// Tickets that the crowd wants one after the other.
    pub tickets_in_turn: usize,
    /// Clients of an event that nobody asked for before.
    pub cold_clients: usize,
}

impl Plan {
    /// For figures that are kept.
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

    /// To see that all works.
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

    /// Length of each measure.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// Before each measure.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs_f64(self.warm_up_seconds)
    }

    /// Of the tickets to reserve, so many are kept back for the open loop.
    pub(crate) fn kept_for_open_loop(&self) -> usize {
        self.tickets_to_reserve / 4
    }
}
