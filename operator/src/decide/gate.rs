//! The result of one gate, and how failures of its steps change it.

use k8s_openapi::jiff::{SignedDuration, Timestamp, Unit};

use super::{
    Input,
    step::{Action, GateKind, Step},
};
use crate::{
    api::{ConditionType, Reason},
    failures::Failure,
};

/// The status of a condition, in Kubernetes' own three words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
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
    pub kind: ConditionType,
    pub truth: Truth,
    pub reason: Reason,
    /// The reason as a sentence.
    pub message: String,
}

impl ConditionDraft {
    /// A condition that is true.
    pub(crate) fn yes(kind: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { kind, truth: Truth::True, reason, message: message.into() }
    }

    /// A condition that is false.
    pub(crate) fn no(kind: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { kind, truth: Truth::False, reason, message: message.into() }
    }

    pub(crate) fn unknown(kind: ConditionType, reason: Reason, message: impl Into<String>) -> Self {
        Self { kind, truth: Truth::Unknown, reason, message: message.into() }
    }
}

/// The result of one gate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gate {
    /// Whether the gate is passed for the content asked about. It stays passed while a store that it prepared is down:
    /// a release that was prepared once may roll meanwhile.
    pub is_passed: bool,
    /// Whether a person must help.
    pub is_stalled: bool,
    pub condition: ConditionDraft,
    /// What to do now.
    pub steps: Vec<Step>,
    /// The longest time until the next look.
    pub next_look: SignedDuration,
}

/// How often things outside Kubernetes are looked at when all is well. No watch reports their drift.
pub(crate) const DRIFT_LOOK: SignedDuration = SignedDuration::from_secs(30);
/// The time until the next look at something outside that is expected to change.
pub(crate) const SOON: SignedDuration = SignedDuration::from_secs(1);
/// The time until the next look at a store that did not answer.
pub(crate) const UNREACHABLE_LOOK: SignedDuration = SignedDuration::from_secs(5);

impl Gate {
    pub(crate) const fn passed(condition: ConditionDraft) -> Self {
        Self { is_passed: true, is_stalled: false, condition, steps: Vec::new(), next_look: DRIFT_LOOK }
    }

    /// A gate that the operator works on.
    pub(crate) const fn working(condition: ConditionDraft, steps: Vec<Step>, next_look: SignedDuration) -> Self {
        Self { is_passed: false, is_stalled: false, condition, steps, next_look }
    }

    /// A gate that needs a person's help.
    pub(crate) const fn stalled(condition: ConditionDraft) -> Self {
        Self { is_passed: false, is_stalled: true, condition, steps: Vec::new(), next_look: DRIFT_LOOK }
    }

    /// A gate behind another that is not passed.
    pub(crate) fn waiting(kind: ConditionType) -> Self {
        let message = "An earlier gate is not passed for this release yet.";
        Self::working(ConditionDraft::no(kind, Reason::WaitingForEarlierGate, message), Vec::new(), DRIFT_LOOK)
    }

    /// Drops the steps that failed before and are not due again, and reports them in the condition.
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

/// A time for people, to the second.
pub(crate) fn clock(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// Makes the steps of one gate for one release.
#[derive(Clone, Copy)]
pub(crate) struct StepMaker<'a> {
    pub input: &'a Input<'a>,
    pub gate: GateKind,
    /// The key of the release.
    pub content: &'a str,
}

impl StepMaker<'_> {
    pub(crate) fn step(&self, action: Action) -> Step {
        let attempt_key = self.input.attempt_key(&action);
        Step { gate: self.gate, content: self.content.to_owned(), attempt_key, action }
    }
}
