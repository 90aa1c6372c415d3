//! Takes down what a platform made outside Kubernetes. What is gone is skipped; what cannot be reached has a deadline.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::SignedDuration};

use super::{
    Input, Plan,
    step::{Action, Kind, Step},
};
use crate::{
    api::{LeftBehind, Reason},
    names,
    observed::Fact,
};

/// How long to wait for what cannot be reached. The whole deletion is to end within 30 seconds.
const DEADLINE: SignedDuration = SignedDuration::from_secs(20);
/// When to give up also what can be reached and yet does not go.
const LAST_DEADLINE: SignedDuration = SignedDuration::from_secs(25);
/// How soon to look again: each step changes something that the next one waits for.
const NEXT_LOOK: SignedDuration = SignedDuration::from_millis(300);

/// What one external thing still needs.
enum Removal {
    Done,
    Needs(Action),
    /// Something else must happen first, or the store does not answer; what would be left behind, as a sentence.
    Waits(String),
}

/// Decides what to remove next.
pub(crate) fn decide(input: &Input<'_>) -> Plan {
    let has_finalizer = input.platform.metadata.finalizers.iter().flatten().any(|name| name == crate::api::FINALIZER);
    if !has_finalizer {
        return input.only(Vec::new(), super::DRIFT_LOOK, Reason::Deleting, "Waiting for other finalizers.");
    }
    // The indexer must not write while its index goes, and nobody should be sold a ticket any more.
    let deployments = input.observed.deployments.keys();
    let mut steps: Vec<Step> = deployments
        .map(|component| Action::Remove(Kind::Deployment, names::workload(input.platform, *component)))
        .map(|action| input.step(action))
        .collect();
    let mut waits = Vec::new();
    let mut is_worth_a_try = false;
    let since = input.status.deletion_started_time.clone().unwrap_or(Time(input.now));
    let has_passed = |limit| input.now.duration_since(since.0) > limit;
    let is_late = has_passed(DEADLINE);
    let policy = input.platform.spec.deletion_policy;
    let mut removals = Vec::new();
    // A platform that was refused made nothing outside: what bears its names is an older platform's.
    let was_refused = !input.observed.collisions.is_empty();
    if policy.connector == LeftBehind::Delete && !was_refused {
        removals.extend(change_feed(input, is_late));
    }
    if policy.index == LeftBehind::Delete && !was_refused {
        removals.push(indexes(input));
    }
    for removal in removals {
        match removal {
            Removal::Done => {}
            Removal::Needs(action) => {
                let step = input.step(action);
                is_worth_a_try |= input.failure(&step).is_none();
                waits.push(format!("could not {}{}", step.action.id(), failure_of(input, &step)));
                steps.push(step);
            }
            Removal::Waits(why) => waits.push(why),
        }
    }
    if waits.is_empty() || (is_late && !is_worth_a_try) || has_passed(LAST_DEADLINE) {
        steps.push(input.step(Action::RemoveFinalizer(waits.clone())));
    }
    let message = if waits.is_empty() {
        "Everything outside is removed.".to_owned()
    } else {
        format!("Still there: {}.", waits.join("; "))
    };
    let mut plan = input.only(steps, NEXT_LOOK, Reason::Deleting, &message);
    plan.status.deletion_started_time = Some(since);
    plan
}

fn failure_of(input: &Input<'_>, step: &Step) -> String {
    input.failure(step).map(|failure| format!(": {}", failure.message)).unwrap_or_default()
}

/// Connector, its offsets, slot and publication, each after the one before. Past the deadline a slot nobody reads goes
/// even when Connect cannot be asked: it would fill the database's disk.
fn change_feed(input: &Input<'_>, is_late: bool) -> Vec<Removal> {
    let connector = connector(input);
    let connector_is_gone = matches!(connector, Removal::Done) || is_late;
    let mut removals = vec![connector];
    let settings = &input.platform.spec.connect.connector;
    match &input.observed.postgres {
        Fact::Unknown(why) => {
            removals.push(Removal::Waits(format!(
                "slot {} and publication {} ({why})",
                settings.slot, settings.publication
            )));
        }
        Fact::Known(view) => {
            removals.push(match view.slot {
                None => Removal::Done,
                Some(slot) if slot.is_active => Removal::Waits(format!("slot {}, which is in use", settings.slot)),
                // A connector that may still run would make the slot again.
                Some(_) if !connector_is_gone => Removal::Waits(format!("slot {}", settings.slot)),
                Some(_) => Removal::Needs(Action::DropSlot),
            });
            removals.push(match &view.publication {
                None => Removal::Done,
                Some(_) if !connector_is_gone => Removal::Waits(format!("publication {}", settings.publication)),
                Some(_) => Removal::Needs(Action::DropPublication),
            });
        }
    }
    removals
}

/// Stop, delete offsets, delete: offsets can only be deleted while the connector is stopped, and offsets that outlive
/// their slot make the next connector of this name fail.
fn connector(input: &Input<'_>) -> Removal {
    let view = match &input.observed.connect {
        Fact::Known(view) => view,
        Fact::Unknown(why) => {
            return Removal::Waits(format!("connector {} ({why})", input.platform.spec.connect.connector.name));
        }
    };
    match &view.connector {
        None => Removal::Done,
        Some(found) if found.state != "STOPPED" => Removal::Needs(Action::SetConnectorState("stop")),
        Some(found) if !found.tasks.is_empty() => Removal::Waits("a task of the connector that is stopping".to_owned()),
        Some(_) if view.has_offsets => Removal::Needs(Action::DeleteOffsets),
        Some(_) => Removal::Needs(Action::DeleteConnector),
    }
}

fn indexes(input: &Input<'_>) -> Removal {
    match &input.observed.elasticsearch {
        Fact::Known(view) if view.indexes.is_empty() => Removal::Done,
        Fact::Known(view) => Removal::Needs(Action::DeleteIndexes(view.indexes.keys().cloned().collect())),
        Fact::Unknown(why) => {
            Removal::Waits(format!("indexes {}-* ({why})", input.platform.spec.elasticsearch.index_prefix))
        }
    }
}
