//! Compares what is wanted with what is there and decides what to do. It is pure: no I/O, no clock, no randomness. The
//! order of all steps is decided here.

mod after_rollout;
mod conditions;
mod connector;
mod deletion;
mod gate;
mod index;
mod jobs;
mod migrations;
mod services;
mod step;
#[cfg(test)]
mod tests;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

pub(crate) use step::{Action, GateKind, Kind, Object, Step};

use self::{
    gate::{ConditionDraft, DRIFT_LOOK, Gate, StepMaker},
    migrations::Before,
    services::ServicesStatus,
};
use crate::{
    api::{ConditionType, FINALIZER, Reason, TicketPlatform, TicketPlatformStatus},
    failures::Failure,
    hash, names,
    observed::{JobKind, Observed, SecretView},
    resources::{Target, index_job, migrate_job},
};

/// What to do, what to record, and when to look again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// The steps in their order. A step that fails holds up the later steps of its gate.
    pub steps: Vec<Step>,
    /// The whole status, to be written before the steps are carried out.
    pub status: TicketPlatformStatus,
    /// The longest time until the next look.
    pub next_look: SignedDuration,
}

/// Everything that a decision is made from.
pub(crate) struct Input<'a> {
    /// The resource: what is wanted.
    pub platform: &'a TicketPlatform,
    /// What was found.
    pub observed: &'a Observed,
    /// What the last reconcile recorded.
    pub status: &'a TicketPlatformStatus,
    /// The time of the decision.
    pub now: Timestamp,
}

/// Decides what to do about a platform.
pub(crate) fn decide(platform: &TicketPlatform, observed: &Observed, now: Timestamp) -> Plan {
    let status = platform.status.clone().unwrap_or_default();
    let input = Input { platform, observed, status: &status, now };
    if platform.metadata.deletion_timestamp.is_some() {
        return deletion::decide(&input);
    }
    let has_finalizer = platform.metadata.finalizers.iter().flatten().any(|name| name == FINALIZER);
    if !has_finalizer {
        return input.only(
            vec![input.step(Action::AddFinalizer)],
            SignedDuration::ZERO,
            Reason::Progressing,
            "The operator puts its finalizer on the resource.",
        );
    }
    if platform.spec.paused {
        return input.only(Vec::new(), DRIFT_LOOK, Reason::Paused, "The resource says `paused`.");
    }
    if let Some(collision) = observed.collisions.first() {
        return input.only(Vec::new(), DRIFT_LOOK, Reason::NameCollision, collision);
    }
    gates(&input)
}

/// Goes through the gates in order. Behind a gate that the resource's own release has not passed, the last good release
/// is kept as it was: its gates were passed when it was rolled. Each gate answers with its own section of the status.
fn gates(input: &Input<'_>) -> Plan {
    let fallback = fallback(input);
    let Before { gate: mut migrations, release, status: mut migrations_status } = migrations::before(input);
    let own = release.clone().map(|release| Target { spec: input.platform.spec.clone(), release });
    let mut passed = own.clone();

    let (index, index_status) = match passed.as_ref().or(fallback.as_ref()) {
        Some(target) => index::decide(input, target),
        None => (Gate::waiting(ConditionType::IndexReady), input.status.index.clone()),
    };
    let index = index.admit(input);
    passed = passed.filter(|_| index.is_passed);

    let (connector, connector_status) = match passed.as_ref().or(fallback.as_ref()) {
        Some(target) => connector::decide(input, target),
        None => (Gate::waiting(ConditionType::ConnectorReady), input.status.connector.clone()),
    };
    let connector = connector.admit(input);
    passed = passed.filter(|_| connector.is_passed);

    let recorded = ServicesStatus::recorded(input.status);
    let (mut services, services_status) = match (&passed, &fallback) {
        (Some(target), fallback) => services::roll(input, target, fallback.as_ref()),
        (None, Some(fallback)) => (services::maintain(input, fallback), recorded),
        (None, None) => (Gate::waiting(ConditionType::ServicesAvailable), recorded),
    };

    if let Some(target) = passed.as_ref().filter(|_| services.is_passed) {
        services.steps.extend(after_rollout::alias(input, target));
        let (after, status) = after_rollout::migrations(input, migrations_status, target);
        migrations = after.unwrap_or(migrations);
        migrations_status = status;
    }
    let keys = job_keys(input, own.iter().chain(&fallback));
    let maker = StepMaker { input, gate: GateKind::Migrations, content: &input.content() };
    // These steps come first, so that no Job of another release waits for its image while this one's migrations run.
    migrations.steps.splice(0..0, jobs::sweep(input, &keys, &maker));
    // Failures are looked up last, so that each planned step is covered.
    let (migrations, services) = (migrations.admit(input), services.admit(input));
    let is_own = passed.is_some();
    let status = TicketPlatformStatus {
        release: release.or_else(|| input.status.release.clone()),
        migrations: migrations_status,
        index: index_status,
        connector: connector_status,
        rollout: services_status.rollout,
        version: services_status.version,
        last_good: services_status.last_good,
        ..input.status.clone()
    };
    conditions::conclude(input, status, [migrations, index, connector, services], is_own)
}

/// The target of the last good revision. Two things follow the resource even while a rollout is blocked: the number of
/// pods, and whether the connector runs.
fn fallback(input: &Input<'_>) -> Option<Target> {
    let last_good = input.status.last_good.as_ref()?;
    let mut spec: crate::api::TicketPlatformSpec = serde_json::from_value(last_good.spec.clone()).ok()?;
    let wanted = &input.platform.spec;
    spec.connect = wanted.connect.clone();
    spec.services.event_management.replicas = wanted.services.event_management.replicas;
    spec.services.booking.workload.replicas = wanted.services.booking.workload.replicas;
    spec.services.search.replicas = wanted.services.search.replicas;
    Some(Target { spec, release: last_good.release.clone() })
}

fn job_keys<'a>(input: &Input<'_>, targets: impl Iterator<Item = &'a Target>) -> Vec<(JobKind, String)> {
    let migrate = [JobKind::MigrateBefore, JobKind::MigrateAfter];
    let mut keys: Vec<_> = migrate.into_iter().map(|kind| (kind, migrate_job::key(input.platform, kind))).collect();
    keys.extend(targets.map(|target| (JobKind::PrepareIndex, index_job::key(target))));
    keys
}

impl<'a> Input<'a> {
    pub(crate) fn generation(&self) -> i64 {
        self.platform.metadata.generation.unwrap_or_default()
    }

    /// The key of the release that the resource asks for.
    pub(crate) fn content(&self) -> String {
        migrate_job::key(self.platform, JobKind::MigrateBefore)
    }

    /// A Secret that the resource names, if it could be read.
    pub(crate) fn secret(&self, name: &str) -> Option<&'a SecretView> {
        self.observed.secrets.get(name)?.known()
    }

    /// The value of the key `username` of a Secret.
    pub(crate) fn username(&self, secret: &str) -> Option<&'a str> {
        self.secret(secret)?.username.as_deref()
    }

    /// A gate that reports a missing Secret, if it is missing.
    pub(crate) fn missing_secret(&self, name: &str, kind: ConditionType) -> Option<Gate> {
        self.secret(name).is_none().then(|| self.secret_gate(name, kind))
    }

    /// A gate that reports what is wrong with a Secret.
    pub(crate) fn secret_gate(&self, name: &str, kind: ConditionType) -> Gate {
        let why = match self.observed.secrets.get(name) {
            Some(crate::observed::Fact::Unknown(why)) => why.clone(),
            _ => "it lacks a key".to_owned(),
        };
        let draft = ConditionDraft::no(
            kind,
            Reason::SecretNotFound,
            format!("Secret {}/{name}: {why}.", names::namespace(self.platform)),
        );
        Gate::working(draft, Vec::new(), gate::UNREACHABLE_LOOK)
    }

    /// The failures of this very step, if its last attempt failed.
    fn failure(&self, step: &Step) -> Option<&'a Failure> {
        self.observed.failures.get(&step.action.id()).filter(|failure| failure.attempt_key == step.attempt_key)
    }

    /// The hash of what an attempt depends on, as far as the operator sees it: the content of the action, the resource,
    /// and the Secrets that it names.
    fn attempt_key(&self, action: &Action) -> String {
        let (content, generation) = (action.fingerprint(), self.generation().to_string());
        let secrets = self.observed.secrets.iter().filter_map(|(name, secret)| Some((name, secret.known()?)));
        let stamps = secrets.flat_map(|(name, secret)| [name.as_str(), secret.stamp.as_str()]);
        hash::of([content.as_str(), generation.as_str()].into_iter().chain(stamps))
    }

    /// A step that belongs to no gate.
    fn step(&self, action: Action) -> Step {
        StepMaker { input: self, gate: GateKind::Migrations, content: &self.content() }.step(action)
    }

    /// A plan without gates: their conditions stay as they are.
    fn only(&self, steps: Vec<Step>, next_look: SignedDuration, reason: Reason, message: &str) -> Plan {
        conditions::without_gates(self, steps, next_look, reason, message)
    }
}
