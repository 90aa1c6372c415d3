//! Gate 4: the services run the release, and go back to the last good revision when they cannot.

use super::{
    Input,
    gate::{ConditionDraft, DRIFT_LOOK, Gate, SOON, StepMaker},
    step::{Action, GateKind, Kind, Object, Step},
};
use crate::{
    api::{ConditionType, LastGood, Reason, RolloutStatus, TicketPlatformStatus},
    component::Component,
    hash,
    observed::DeploymentView,
    resources::{Target, config_map, deployment, pod_disruption_budget, service, service_account},
};

const CONDITION: ConditionType = ConditionType::ServicesAvailable;

/// A target with the revisions that its pods would have.
struct Revision<'a> {
    target: &'a Target,
    secrets: String,
    per_service: Vec<(Component, String)>,
    combined: String,
}

/// The parts of the status that belong to gate 4.
pub(crate) struct ServicesStatus {
    pub rollout: RolloutStatus,
    pub version: Option<String>,
    pub last_good: Option<LastGood>,
}

/// Rolls the resource's own target. Goes back to `fallback` when its pods do not get ready.
pub(crate) fn roll(input: &Input<'_>, target: &Target, fallback: Option<&Target>) -> (Gate, ServicesStatus) {
    let mut status = ServicesStatus::recorded(input.status);
    let revision = match Revision::of(input, target) {
        Ok(revision) => revision,
        Err(gate) => return (*gate, status),
    };
    status.rollout = rollout_of(&revision, status.rollout);
    let fallback =
        fallback.and_then(|target| Revision::of(input, target).ok()).filter(|it| it.combined != revision.combined);
    if status.rollout.failed_revision.is_none()
        && let Some(failure) = failure(input, &revision)
    {
        let Some(_) = &fallback else {
            let gate = keep(input, &revision);
            let draft = ConditionDraft::no(
                CONDITION,
                Reason::RolloutFailed,
                format!("{failure}. There is no earlier revision to go back to."),
            );
            return (Gate { is_passed: false, is_stalled: true, condition: draft, ..gate }, status);
        };
        status.rollout.failed_revision = Some(revision.combined.clone());
        status.rollout.failure = Some(failure);
    }
    if let (Some(_), Some(fallback)) = (&status.rollout.failed_revision, &fallback) {
        return (gone_back(input, &status.rollout, fallback), status);
    }
    let gate = keep(input, &revision);
    if gate.is_passed {
        return (gate, completed(status, &revision));
    }
    let had_been_complete = status.last_good.as_ref().is_some_and(|last_good| last_good.revision == revision.combined);
    let reason = if had_been_complete { Reason::ServicesUnavailable } else { Reason::RolloutRunning };
    (Gate { condition: ConditionDraft { reason, ..gate.condition }, ..gate }, status)
}

/// The recorded rollout, if it is about this revision. The failure of another revision is forgotten.
fn rollout_of(revision: &Revision<'_>, recorded: RolloutStatus) -> RolloutStatus {
    let wanted = Some(revision.combined.clone());
    if recorded.failed_revision == wanted {
        RolloutStatus { revision: wanted, ..recorded }
    } else {
        RolloutStatus { revision: wanted, failed_revision: None, failure: None }
    }
}

/// Keeps an earlier target running while the gates of the resource's own target are not passed.
pub(crate) fn maintain(input: &Input<'_>, target: &Target) -> Gate {
    match Revision::of(input, target) {
        Ok(revision) => keep(input, &revision),
        Err(gate) => *gate,
    }
}

fn gone_back(input: &Input<'_>, rollout: &RolloutStatus, fallback: &Revision<'_>) -> Gate {
    let gate = keep(input, fallback);
    let message = format!(
        "{}. The operator goes back to the last good revision, of release {}. The failed one is not tried again until the resource changes.",
        rollout.failure.as_deref().unwrap_or("The rollout failed"),
        fallback.target.spec.version,
    );
    let draft = ConditionDraft { reason: Reason::RolloutFailed, message, ..gate.condition };
    Gate { is_passed: false, is_stalled: true, condition: draft, ..gate }
}

/// Applies all objects of a revision and reports how far its pods are.
fn keep(input: &Input<'_>, revision: &Revision<'_>) -> Gate {
    let content = revision.target.release.job_key.as_str();
    let maker = StepMaker { input, gate: GateKind::Services, content };
    let mut steps = Vec::new();
    let mut progress = Vec::new();
    let mut is_complete = true;
    for (component, wanted) in &revision.per_service {
        steps.extend(apply(input, *component, revision, &maker));
        let replicas = component.workload(&revision.target.spec).replicas;
        let found = input.observed.deployments.get(component);
        let complete = found.is_some_and(|found| found.desired == replicas && found.is_complete_for(wanted));
        is_complete &= complete;
        progress.push(describe(input, *component, found, wanted, replicas, complete));
    }
    let progress = progress.join(", ");
    let version = &revision.target.spec.version;
    if is_complete {
        steps.extend(unused_config_maps(input, revision, &maker));
        let draft =
            ConditionDraft::yes(CONDITION, Reason::RolloutComplete, format!("Release {version} runs: {progress}."));
        return Gate { steps, ..Gate::passed(draft) };
    }
    let draft = ConditionDraft::no(CONDITION, Reason::ServicesUnavailable, format!("Release {version}: {progress}."));
    let look = if input.observed.deployments.len() == revision.per_service.len() { DRIFT_LOOK } else { SOON };
    Gate::working(draft, steps, look)
}

fn apply(input: &Input<'_>, component: Component, revision: &Revision<'_>, maker: &StepMaker<'_>) -> Vec<Step> {
    let (platform, target) = (input.platform, revision.target);
    let mut objects = vec![
        Object::ServiceAccount(service_account::build(platform, component)),
        Object::ConfigMap(config_map::build(platform, component, target)),
        Object::Deployment(Box::new(deployment::build(platform, component, target, &revision.secrets))),
        Object::Service(Box::new(service::build(platform, component, &target.spec))),
    ];
    let budget = pod_disruption_budget::build(platform, component, &target.spec);
    let is_left_over = budget.is_none() && input.observed.disruption_budgets.contains(&component);
    objects.extend(budget.map(Object::PodDisruptionBudget));
    let mut steps: Vec<Step> = objects.into_iter().map(|object| maker.step(Action::Apply(Box::new(object)))).collect();
    if is_left_over {
        let name = crate::names::workload(platform, component);
        steps.push(maker.step(Action::Remove(Kind::PodDisruptionBudget, name)));
    }
    steps
}

/// Removes the ConfigMaps that neither the revision nor any running pod uses.
fn unused_config_maps(input: &Input<'_>, revision: &Revision<'_>, maker: &StepMaker<'_>) -> Vec<Step> {
    let is_used = |name: &str, component: Component| {
        config_map::build(input.platform, component, revision.target).metadata.name.as_deref() == Some(name)
            || input.observed.pods.iter().any(|pod| pod.config_map == name)
    };
    let unused = input.observed.config_maps.iter().filter(|(name, component)| !is_used(name, **component));
    unused.map(|(name, _)| maker.step(Action::Remove(Kind::ConfigMap, name.clone()))).collect()
}

fn describe(
    input: &Input<'_>,
    component: Component,
    found: Option<&DeploymentView>,
    wanted: &str,
    replicas: i32,
    complete: bool,
) -> String {
    let ready = found.map_or(0, |found| found.available);
    let mut text = format!("{} {ready}/{replicas} ready", component.as_str());
    if !complete {
        if let Some(found) = found.filter(|found| found.updated < replicas || found.total > replicas) {
            text.push_str(&format!(" ({} updated)", found.updated));
        }
        if let Some(trouble) = trouble(input, component, wanted) {
            text.push_str(&format!(" ({trouble})"));
        }
    }
    text
}

/// The reason that a pod of this revision gives for not being ready.
fn trouble(input: &Input<'_>, component: Component, revision: &str) -> Option<String> {
    let mut pods = input.observed.pods.iter().filter(|pod| pod.component == component && pod.revision == revision);
    pods.find_map(|pod| pod.trouble.as_ref().map(|trouble| format!("pod {}: {trouble}", pod.name)))
}

/// The reason to give a revision up, if there is one.
fn failure(input: &Input<'_>, revision: &Revision<'_>) -> Option<String> {
    revision.per_service.iter().find_map(|(component, wanted)| {
        let found = input.observed.deployments.get(component)?;
        let gave_up = found.revision == *wanted && found.is_observed && found.deadline_exceeded;
        let is_ready = found.is_complete_for(wanted);
        (gave_up && !is_ready).then(|| {
            let seconds = revision.target.spec.progress_deadline_seconds;
            let detail = trouble(input, *component, wanted).map(|trouble| format!(": {trouble}")).unwrap_or_default();
            let service = component.as_str();
            format!("{service} of release {} was not ready within {seconds} s{detail}", revision.target.spec.version)
        })
    })
}

/// The status after a complete rollout, with its revision as the one to go back to. A revision that is recorded already
/// stays as it was recorded, so that an unchanged platform has an unchanged status.
fn completed(status: ServicesStatus, revision: &Revision<'_>) -> ServicesStatus {
    let target = revision.target;
    let recorded = status
        .last_good
        .filter(|last_good| last_good.revision == revision.combined && last_good.release == target.release);
    let last_good = recorded.unwrap_or_else(|| LastGood {
        version: target.spec.version.clone(),
        revision: revision.combined.clone(),
        release: target.release.clone(),
        spec: serde_json::to_value(&target.spec).unwrap_or_default(),
    });
    ServicesStatus { version: Some(target.spec.version.clone()), last_good: Some(last_good), rollout: status.rollout }
}

impl ServicesStatus {
    /// The parts as the last reconcile recorded them.
    pub(crate) fn recorded(status: &TicketPlatformStatus) -> Self {
        Self { rollout: status.rollout.clone(), version: status.version.clone(), last_good: status.last_good.clone() }
    }
}

impl<'a> Revision<'a> {
    /// Calculates the revisions of a target. When a Secret is missing they are unknown, and the gate says which it is.
    fn of(input: &Input<'_>, target: &'a Target) -> Result<Self, Box<Gate>> {
        let mut stamps = Vec::new();
        for name in crate::resources::environment::secret_names(&target.spec) {
            match input.secret(name) {
                Some(secret) => stamps.push(secret.stamp.as_str()),
                None => return Err(Box::new(input.secret_gate(name, CONDITION))),
            }
        }
        let secrets = hash::of(stamps);
        let per_service: Vec<(Component, String)> = Component::ALL
            .into_iter()
            .map(|component| (component, deployment::revision(input.platform, component, target, &secrets)))
            .collect();
        let combined = hash::of(per_service.iter().map(|(_, revision)| revision.as_str()));
        Ok(Self { target, secrets, per_service, combined })
    }
}
