//! What the operator remembers of steps that failed, from one reconcile to the next. Losing it costs one more try.

use std::collections::BTreeMap;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// What can be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Time may cure it.
    Transient,
    /// The same request will never be accepted.
    Invalid,
    /// Something else is at work on the same thing; trying again soon is right.
    Conflict,
    /// The credentials are refused.
    Unauthorized,
}

/// Failures by the step's name.
pub(crate) type Failures = BTreeMap<String, Failure>;

/// The last failures of a step in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    /// The step's `attempt_key`. With another key it is another step.
    pub attempt_key: String,
    /// What kind of failure.
    pub class: ErrorClass,
    /// What was said.
    pub message: String,
    /// How many in a row.
    pub count: u32,
    /// When the last one happened.
    pub at: Timestamp,
}

impl Failure {
    /// When to try again. What was refused is tried again too, though rarely: the cause may lie where nobody tells the
    /// operator of a change, such as a right in the database.
    pub(crate) fn next_attempt(&self) -> Timestamp {
        match self.class {
            ErrorClass::Invalid => self.at + LONGEST_PAUSE,
            ErrorClass::Transient | ErrorClass::Conflict | ErrorClass::Unauthorized => self.at + pause(self.count),
        }
    }

    /// Whether somebody must mend something before an attempt can succeed.
    pub(crate) fn needs_help(&self) -> bool {
        self.class == ErrorClass::Invalid
    }
}

/// The longest pause between two attempts.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// Pause after the given number of attempts in a row: 2 s, doubling, at most five minutes.
pub(crate) fn pause(attempts: u32) -> SignedDuration {
    const FIRST_SECONDS: i64 = 2;
    let doublings = attempts.saturating_sub(1).min(16);
    SignedDuration::from_secs(FIRST_SECONDS << doublings).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn pauses_grow_to_five_minutes() {
        let seconds: Vec<i64> = [1, 2, 3, 8, 9, 1000].map(|attempts| pause(attempts).as_secs()).to_vec();
        assert_eq!(seconds, [2, 4, 8, 256, 300, 300]);
    }
}
