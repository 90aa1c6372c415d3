//! Faults of calls to Stripe, which tests plan.

use std::time::Duration;

use rand::Rng;

use crate::call::Call;

/// The fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes before the call takes effect.
    RequestLost,
    /// The call takes effect, and the connection closes without an answer.
    AnswerLost,
    /// The call takes effect after this time, whether or not the client still waits.
    SlowEffect(Duration),
    /// The call takes effect at once. Its answer comes after this time.
    SlowAnswer(Duration),
    /// 500 without an effect. A repeat is a new call.
    ServerError,
    /// 500 without an effect. Every repeat under the same idempotency key gets the same 500.
    ServerErrorForGood,
    /// 429 without an effect.
    RateLimited,
}

/// When calls meet a fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// The next calls, this many.
    Next(u64),
    /// Every n-th call from now on.
    Every(u64),
    /// Each call with this probability, from 0 to 1.
    Chance(f64),
}

#[derive(Debug)]
struct Plan {
    /// `None` means calls of every kind.
    call: Option<Call>,
    when: When,
    fault: Fault,
    seen: u64,
}

impl Plan {
    fn draw(&mut self, call: Call) -> Option<Fault> {
        if self.call.is_some_and(|wanted| wanted != call) {
            return None;
        }
        self.seen += 1;
        let hit = match self.when {
            When::Next(count) => self.seen <= count,
            When::Every(count) => self.seen.is_multiple_of(count),
            When::Chance(chance) => rand::rng().random_bool(chance.clamp(0.0, 1.0)),
        };
        hit.then_some(self.fault)
    }
}

/// The planned faults.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plans: Vec<Plan>,
    /// How many calls met a fault.
    pub met: u64,
}

impl Faults {
    pub(crate) fn plan(&mut self, call: Option<Call>, when: When, fault: Fault) {
        self.plans.push(Plan { call, when, fault, seen: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.plans.clear();
    }

    /// The fault of this call, if it meets one. The plan that was made first wins.
    pub(crate) fn draw(&mut self, call: Call) -> Option<Fault> {
        let fault = self.plans.iter_mut().find_map(|plan| plan.draw(call));
        self.met += u64::from(fault.is_some());
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(when: When, calls: usize) -> Vec<bool> {
        let mut faults = Faults::default();
        faults.plan(Some(Call::CaptureIntent), when, Fault::ServerError);
        (0..calls)
            .map(|_| {
                assert_eq!(faults.draw(Call::CancelIntent), None);
                faults.draw(Call::CaptureIntent).is_some()
            })
            .collect()
    }

    #[test]
    fn a_fault_meets_the_calls_that_it_is_planned_for() {
        assert_eq!(drawn(When::Next(2), 4), [true, true, false, false]);
        assert_eq!(drawn(When::Every(2), 4), [false, true, false, true]);
        assert_eq!(drawn(When::Chance(1.0), 2), [true, true]);
        assert_eq!(drawn(When::Chance(0.0), 2), [false, false]);
    }
}
