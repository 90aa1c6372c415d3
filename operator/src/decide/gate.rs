//! What one gate found out, and how failures of its steps change that.

use k8s_openapi::jiff::{SignedDuration, Timestamp, Unit};

use super::{
    Input,
    step::{Action, GateKind, Step},
};
use crate::{
    api::{ConditionType, Reason},
    failures::Failure,
};

/// Status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
    /// The word in the status.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// A condition without its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConditionDraft {
    /// Which condition.
    pub kind: ConditionType,
    /// Its status.
    pub truth: Truth,
    /// Why, as a word.
    pub reason: Reason,
    /// Why, as a sentence.
    pub message: String,
}

impl ConditionDraft {
    /// A condition that holds.
    pub(crate) fn yes(kind: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { kind, truth: Truth::True, reason, message: message.into() }
    }

    /// A condition that does not.
    pub(crate) fn no(kind: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { kind, truth: Truth::False, reason, message: message.into() }
    }

    /// A condition nothing is known about.
    pub(crate) fn unknown(kind: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { kind, truth: Truth::Unknown, reason, message: message.into() }
    }
}

/// What one gate found out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gate {
    /// Whether it is passed for the content asked about. It stays so while what it prepared is only ill: a release
    /// that was prepared once may roll while a store is down.
    pub is_passed: bool,
    /// Whether somebody must help.
    pub is_stalled: bool,
    /// Its condition.
    pub condition: ConditionDraft,
    /// What to do about it now.
    pub steps: Vec<Step>,
    /// When to look again at the latest.
    pub next_look: SignedDuration,
}

/// How often things outside are looked at when all is well. Nobody tells the operator when they drift.
pub(crate) const DRIFT_LOOK: SignedDuration = SignedDuration::from_secs(30);
/// How soon to look again at something outside that is expected to change.
pub(crate) const SOON: SignedDuration = SignedDuration::from_secs(1);
/// How soon to look again at a store that did not answer.
pub(crate) const UNREACHABLE_LOOK: SignedDuration = SignedDuration::from_secs(5);

impl Gate {
    /// A gate that is passed.
    pub(crate) const fn passed(condition: ConditionDraft) -> Self {
        Self { is_passed: true, is_stalled: false, condition, steps: Vec::new(), next_look: DRIFT_LOOK }
    }

    /// A gate that is being worked on.
    pub(crate) const fn working(condition: ConditionDraft, steps: Vec<Step>, next_look: SignedDuration) -> Self {
        Self { is_passed: false, is_stalled: false, condition, steps, next_look }
    }

    /// A gate that needs help.
    pub(crate) const fn stalled(condition: ConditionDraft) -> Self {
        Self { is_passed: false, is_stalled: true, condition, steps: Vec::new(), next_look: DRIFT_LOOK }
    }

    /// A gate behind one that is not passed.
    pub(crate) fn waiting(kind: ConditionType) -> Self {
        let message = "An earlier gate is not passed for this release yet.";
        Self::working(ConditionDraft::no(kind, Reason::WaitingForEarlierGate, message), Vec::new(), DRIFT_LOOK)
    }

    /// Drops steps that failed before and are not to be tried now, and says so in the condition.
    pub(crate) fn admit(mut self, input: &Input<'_>) -> Self {
        let mut admitted = Vec::new();
        for step in std::mem::take(&mut self.steps) {
            let Some(failure) = input.failure(&step) else {
                admitted.push(step);
                continue;
            };
            self.report(&step.action, failure);
            let wait = failure.next_attempt().duration_since(input.now);
            if wait.is_positive() {
                self.next_look = self.next_look.min(wait);
            } else {
                admitted.push(step);
            }
        }
        self.steps = admitted;
        self
    }

    fn report(&mut self, action: &Action, failure: &Failure) {
        self.is_stalled |= failure.needs_help();
        self.condition.truth = Truth::False;
        self.condition.reason = if failure.needs_help() { action.refusal() } else { Reason::StepFailed };
        self.condition.message = format!(
            "Could not {} (attempt {}): {}; next attempt at {}.",
            action.id(),
            failure.count,
            failure.message,
            clock(failure.next_attempt()),
        );
    }
}

/// A moment as people read it, to the second.
pub(crate) fn clock(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// Makes steps of one gate for one release.
#[derive(Clone, Copy)]
pub(crate) struct StepMaker<'a> {
    /// What the decision is made from.
    pub input: &'a Input<'a>,
    /// The gate.
    pub gate: GateKind,
    /// Key of the release.
    pub content: &'a str,
}

impl StepMaker<'_> {
    /// A step.
    pub(crate) fn step(&self, action: Action) -> Step {
        let attempt_key = self.input.attempt_key(&action);
        Step { gate: self.gate, content: self.content.to_owned(), attempt_key, action }
    }
}
