//! Writes what the gates found into the status: the summary conditions, and transition times, which change only when a
//! condition's status does.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::SignedDuration,
};

use super::{
    Input, Plan,
    gate::{ConditionDraft, Gate, Truth},
    step::Step,
};
use crate::api::{ConditionType, Reason, TicketPlatformStatus};

/// The plan of a platform whose gates were looked at. `is_own` says whether the last gate was about the resource's own
/// release and not about the one that is kept in its place.
pub(crate) fn conclude(input: &Input<'_>, mut status: TicketPlatformStatus, gates: [Gate; 4], is_own: bool) -> Plan {
    let is_new_generation = status.observed_generation != Some(input.generation());
    let blocking = gates.iter().find(|gate| !gate.is_passed || gate.condition.truth != Truth::True);
    let stalled = gates.iter().find(|gate| gate.is_stalled);
    let ready = match blocking {
        Some(gate) => ConditionDraft::no(ConditionType::Ready, gate.condition.reason, gate.condition.message.clone()),
        // The answer for the last generation must not be read as the answer for this one.
        None if is_new_generation || !is_own => {
            let message = format!("The operator is looking at generation {}.", input.generation());
            ConditionDraft::no(ConditionType::Ready, Reason::Progressing, message)
        }
        None => {
            let message = format!("Release {} serves.", input.platform.spec.version);
            ConditionDraft::yes(ConditionType::Ready, Reason::AllGatesPassed, message)
        }
    };
    let is_ready = ready.truth == Truth::True;
    let stalled = match stalled {
        Some(gate) => {
            ConditionDraft::yes(ConditionType::Stalled, gate.condition.reason, gate.condition.message.clone())
        }
        None => ConditionDraft::no(ConditionType::Stalled, Reason::NotStalled, "No gate needs help."),
    };
    let reconciling = if is_ready || stalled.truth == Truth::True {
        ConditionDraft::no(
            ConditionType::Reconciling,
            Reason::UpToDate,
            "All work is done, or the platform is stalled: see Stalled.",
        )
    } else {
        ConditionDraft::yes(ConditionType::Reconciling, Reason::Progressing, ready.message.clone())
    };
    let mut next_look = gates.iter().map(|gate| gate.next_look).min().unwrap_or(super::DRIFT_LOOK);
    if is_new_generation {
        next_look = next_look.min(super::gate::SOON);
    }
    let mut steps = Vec::new();
    let mut drafts = vec![ready, reconciling, stalled];
    for gate in gates {
        steps.extend(gate.steps);
        drafts.push(gate.condition);
    }
    set(input, &mut status, drafts);
    Plan { steps, status, next_look }
}

/// The plan of a platform whose gates are not looked at. Their conditions stay as they were.
pub(crate) fn without_gates(
    input: &Input<'_>,
    steps: Vec<Step>,
    next_look: SignedDuration,
    reason: Reason,
    message: &str,
) -> Plan {
    let mut status = input.status.clone();
    let is_stalled = reason == Reason::NameCollision;
    let is_working = matches!(reason, Reason::Progressing | Reason::Deleting);
    let summary = |kind, holds: bool| {
        if holds { ConditionDraft::yes(kind, reason, message) } else { ConditionDraft::no(kind, reason, message) }
    };
    let drafts = vec![
        ConditionDraft::no(ConditionType::Ready, reason, message),
        summary(ConditionType::Reconciling, is_working),
        if is_stalled {
            ConditionDraft::yes(ConditionType::Stalled, reason, message)
        } else {
            ConditionDraft::no(ConditionType::Stalled, Reason::NotStalled, "No gate needs help.")
        },
    ];
    set(input, &mut status, drafts);
    Plan { steps, status, next_look }
}

fn set(input: &Input<'_>, status: &mut TicketPlatformStatus, drafts: Vec<ConditionDraft>) {
    status.observed_generation = Some(input.generation());
    let before = std::mem::take(&mut status.conditions);
    status.conditions = ConditionType::ALL
        .into_iter()
        .filter_map(|kind| {
            let old = before.iter().find(|condition| condition.type_ == kind.as_str());
            match drafts.iter().find(|draft| draft.kind == kind) {
                Some(draft) => Some(condition(input, draft, old)),
                None => old.cloned(),
            }
        })
        .collect();
}

fn condition(input: &Input<'_>, draft: &ConditionDraft, old: Option<&Condition>) -> Condition {
    let unchanged_since =
        old.filter(|old| old.status == draft.truth.as_str()).map(|old| old.last_transition_time.clone());
    Condition {
        type_: draft.kind.as_str().to_owned(),
        status: draft.truth.as_str().to_owned(),
        reason: draft.reason.as_str().to_owned(),
        message: draft.message.clone(),
        observed_generation: Some(input.generation()),
        last_transition_time: unchanged_since.unwrap_or(Time(input.now)),
    }
}
