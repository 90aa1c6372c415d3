//! The times at which requests are due. They do not depend on earlier requests.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Arrivals at a fixed rate.
#[derive(Debug)]
pub(crate) struct Schedule {
    begin: Instant,
    rate_per_second: f64,
    arrivals: u64,
    /// The number of first arrivals that are not counted.
    warm_up: u64,
    taken: Cell<u64>,
}

/// One arrival. Its time does not depend on when a connection is free. While a server stalls, requests are due that cannot be
/// sent, and their whole wait counts. Without them the result would be wrong (coordinated omission).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub due: Instant,
    pub counted: bool,
}

impl Schedule {
    /// Arrivals from `begin` on, for the length of the warm-up and the counted time.
    pub(crate) fn new(begin: Instant, rate_per_second: f64, warm_up: Duration, counted: Duration) -> Self {
        let arrivals_in = |time: Duration| (time.as_secs_f64() * rate_per_second).round() as u64;
        Self {
            begin,
            rate_per_second,
            arrivals: arrivals_in(warm_up + counted),
            warm_up: arrivals_in(warm_up),
            taken: Cell::default(),
        }
    }

    /// Takes the next arrival.
    pub(crate) fn take(&self) -> Option<Arrival> {
        let number = self.taken.get();
        if number == self.arrivals {
            return None;
        }
        self.taken.set(number + 1);
        let after = Duration::from_secs_f64(number as f64 / self.rate_per_second);
        Some(Arrival { due: self.begin + after, counted: number >= self.warm_up })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_due_at_their_time_however_late_they_are_taken() {
        let begin = Instant::now();
        let schedule = Schedule::new(begin, 100.0, Duration::from_millis(20), Duration::from_millis(30));
        std::thread::sleep(Duration::from_millis(2));
        let arrivals: Vec<_> = std::iter::from_fn(|| schedule.take()).collect();
        let due: Vec<_> = arrivals.iter().map(|arrival| (arrival.due - begin).as_millis()).collect();
        assert_eq!(due, [0, 10, 20, 30, 40]);
        let counted: Vec<_> = arrivals.iter().map(|arrival| arrival.counted).collect();
        assert_eq!(counted, [false, false, true, true, true]);
    }
}
