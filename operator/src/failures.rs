//! What the operator remembers about failed steps, from one reconcile to the next. Losing it costs one more attempt.

use std::collections::BTreeMap;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// What can be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// It may pass by itself.
    Transient,
    /// The same request will never be accepted.
    Invalid,
    /// Something else works on the same thing. A retry soon is right.
    Conflict,
    /// The credentials are refused.
    Unauthorized,
}

/// The failures, by the name of the step's action.
pub(crate) type Failures = BTreeMap<String, Failure>;

/// The failures of a step, as many as came in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    /// The `attempt_key` of the step that failed. A step with another key starts without failures.
    pub attempt_key: String,
    pub class: ErrorClass,
    pub message: String,
    /// The number of failures in a row.
    pub count: u32,
    /// The time of the last one.
    pub at: Timestamp,
}

impl Failure {
    /// The time of the next attempt. A refused step is tried again too, but rarely: its cause may end without any
    /// change that the operator sees, such as a right that is granted in the database.
    pub(crate) fn next_attempt(&self) -> Timestamp {
        match self.class {
            ErrorClass::Invalid => self.at + LONGEST_PAUSE,
            ErrorClass::Transient | ErrorClass::Conflict | ErrorClass::Unauthorized => self.at + pause(self.count),
        }
    }

    /// Whether a person must change something before an attempt can succeed.
    pub(crate) fn needs_help(&self) -> bool {
        self.class == ErrorClass::Invalid
    }
}

/// The longest pause between two attempts.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// The pause after this many attempts in a row: 2 s, doubled each time, at most five minutes.
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
