//! The goals of the benchmark.

use super::{Report, ceilings::Ceiling, spread::Spread};
use crate::measures::{Measure, Run};

/// The shares of the ceilings that must be reached.
const RESERVE_SHARE: f64 = 0.7;
const CONFIRM_SHARE: f64 = 0.7;
const LARGE_PAGE_SHARE: f64 = 0.4;
/// A refusal may take this many times as long as the route that does nothing, plus this time for its turn in Redis.
const REFUSAL_TIMES: f64 = 2.0;
const REFUSAL_EXTRA_MS: f64 = 1.0;
/// The most reads of PostgreSQL for an event, however many clients ask at once.
const COLD_LOADS: f64 = 2.0;
/// The largest resident memory of a service.
const MEMORY_MIB: f64 = 64.0;

/// One goal, and the figure that was measured.
pub(crate) struct Goal {
    pub what: String,
    pub figure: String,
    pub target: String,
    /// Whether the goal is met, by the median of the runs.
    pub met: bool,
}

impl Report {
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let mut goals = vec![
            self.share(
                "reserve, different tickets: share of the ceiling composed of its parts",
                Measure::Reserve,
                RESERVE_SHARE,
            ),
            self.share("confirm, free: share of PostgreSQL selling alone, fsync on", Measure::Confirm, CONFIRM_SHARE),
            self.winners(),
            self.refusal_latency(),
            self.share(
                "event page, 2,000 seats: share of a static page of the same bytes",
                Measure::LargePage,
                LARGE_PAGE_SHARE,
            ),
            self.at_most(
                &format!("{} clients of an event that is in no cache: reads of PostgreSQL", self.plan.cold_clients),
                |run| Some(run.cold_loads as f64),
                COLD_LOADS,
                "",
            ),
        ];
        for service in ["booking", "event-management"] {
            let peak = |run: &Run| Some(run.memory_after_crowds.get(service)?.peak_mib);
            goals.push(self.at_most(&format!("largest resident memory of {service}"), peak, MEMORY_MIB, " MiB"));
        }
        goals
    }

    fn share(&self, what: &str, measure: Measure, target: f64) -> Goal {
        let shares = self.runs.iter().filter_map(|run| Ceiling::of(measure)?.reached(run, measure));
        let share = Spread::of(shares);
        Goal {
            what: what.to_owned(),
            figure: share.map_or("not measured".to_owned(), |share| format!("{:.0} %", share.times(100.0))),
            target: format!("≥ {:.0} %", target * 100.0),
            met: share.is_some_and(|share| share.median >= target),
        }
    }

    fn at_most(&self, what: &str, figure: impl Fn(&Run) -> Option<f64>, target: f64, unit: &str) -> Goal {
        let figure = Spread::of(self.runs.iter().filter_map(figure));
        Goal {
            what: what.to_owned(),
            figure: figure.map_or("not measured".to_owned(), |figure| format!("{figure:.0}{unit}")),
            target: format!("≤ {target:.0}{unit}"),
            met: figure.is_some_and(|figure| figure.median <= target),
        }
    }

    /// This must hold in every run, not in the median: a second winner is a double sale.
    fn winners(&self) -> Goal {
        let tickets = self.plan.tickets_in_turn as u64;
        let winners: Vec<String> = self.runs.iter().map(|run| run.winners.to_string()).collect();
        Goal {
            what: format!("{} clients want one ticket, {tickets} tickets in turn: winners", self.plan.crowd),
            figure: winners.join(", "),
            target: format!("{tickets} in every run"),
            met: self.runs.iter().all(|run| run.winners == tickets),
        }
    }

    fn refusal_latency(&self) -> Goal {
        let pairs = self.runs.iter().filter_map(|run| {
            let nothing = run.nothing_at_refusal_rate?.p99_ms;
            Some((run.latency.get(&Measure::RefusalHeld)?.p99_ms, nothing * REFUSAL_TIMES + REFUSAL_EXTRA_MS))
        });
        let (refusals, limits): (Vec<f64>, Vec<f64>) = pairs.unzip();
        let beyond = Spread::of(refusals.iter().zip(&limits).map(|(refusal, limit)| refusal - limit));
        let shown =
            |figures: Vec<f64>| Spread::of(figures).map_or("not measured".to_owned(), |ms| format!("{ms:.2} ms"));
        Goal {
            what: "refusals at 30 % of the possible rate: p99".to_owned(),
            figure: shown(refusals),
            target: format!("≤ {} (2 × p99 of the route that does nothing at that rate + 1 ms)", shown(limits)),
            met: beyond.is_some_and(|beyond| beyond.median <= 0.0),
        }
    }
}
