//! Removes what a platform made outside Kubernetes. What is gone is skipped. What cannot be reached has a deadline.

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

/// How long to wait for what cannot be reached. The whole deletion must end within 30 seconds.
const DEADLINE: SignedDuration = SignedDuration::from_secs(20);
/// After this time even things that can be reached, but do not go away, are left behind.
const LAST_DEADLINE: SignedDuration = SignedDuration::from_secs(25);
/// The time until the next look. It is short, because each step changes something that the next one waits for.
const NEXT_LOOK: SignedDuration = SignedDuration::from_millis(300);

/// What the removal of one thing outside Kubernetes still needs.
enum Removal {
    Done,
    Needs(Action),
    /// Something else must happen first, or the store does not answer. The text names what would be left behind.
    Waits(String),
}

/// Decides what to remove next.
pub(crate) fn decide(input: &Input<'_>) -> Plan {
    let has_finalizer = input.platform.metadata.finalizers.iter().flatten().any(|name| name == crate::api::FINALIZER);
    if !has_finalizer {
        return input.only(Vec::new(), super::DRIFT_LOOK, Reason::Deleting, "The resource waits for other finalizers.");
    }
    // The services go first: the indexer must not write while its index is deleted, and sales must end.
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
    // A refused platform made nothing outside. What bears its names belongs to an older platform.
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

/// Removes the connector with its offsets, then the slot and the publication. After the deadline an unread slot is
/// dropped even when Connect cannot be asked, because it would fill the database's disk.
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
                // A connector that may still run would create the slot again.
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

/// Stops the connector, deletes its offsets, and deletes it. Offsets can be deleted only while the connector is
/// stopped, and offsets that outlive their slot make the next connector of this name fail.
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
