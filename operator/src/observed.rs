//! Everything that `decide` may look at, as plain values.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;

use crate::{component::Component, failures::Failures};

/// The answer of something outside, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact<T> {
    Known(T),
    /// It did not answer, for this reason.
    Unknown(String),
}

impl<T> Fact<T> {
    pub(crate) const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// What was found at the beginning of a reconcile.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub jobs: Vec<JobView>,
    pub deployments: BTreeMap<Component, DeploymentView>,
    /// The pods of the services, without those of Jobs.
    pub pods: Vec<PodView>,
    /// The names of the ConfigMaps, with the service that each belongs to.
    pub config_maps: BTreeMap<String, Component>,
    /// The services that have a PodDisruptionBudget.
    pub disruption_budgets: BTreeSet<Component>,
    /// The Secrets that the resource names.
    pub secrets: BTreeMap<String, Fact<SecretView>>,
    pub postgres: Fact<PostgresView>,
    pub connect: Fact<ConnectView>,
    pub elasticsearch: Fact<ElasticsearchView>,
    /// The names that this platform shares with older ones, as sentences.
    pub collisions: Vec<String>,
    /// The steps that failed when they were last carried out.
    pub failures: Failures,
}

/// The kinds of Jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobKind {
    /// `ticket-migrate up --kind before`
    MigrateBefore,
    /// `ticket-migrate up --kind after`
    MigrateAfter,
    /// `search prepare-index`
    PrepareIndex,
}

impl JobKind {
    pub(crate) const ALL: [Self; 3] = [Self::MigrateBefore, Self::MigrateAfter, Self::PrepareIndex];

    /// The word for it in names and labels.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MigrateBefore => "migrate",
            Self::MigrateAfter => "migrate-after",
            Self::PrepareIndex => "index",
        }
    }
}

/// A Job and the state of its pod.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JobView {
    pub name: String,
    pub kind: JobKind,
    /// The hash of what it works with.
    pub key: String,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The resource's generation when the Job was made.
    pub generation: i64,
    pub state: JobState,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JobState {
    /// Its container has not started; with the reason when the pod gives one.
    Pending(Option<String>),
    /// Its container runs.
    Running,
    /// Its container ended with 0.
    Succeeded(JobSuccess),
    /// Its container ended with another exit code, or never ran.
    Failed(JobFailure),
}

/// How a successful Job ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JobSuccess {
    /// The termination message; absent when the pod is gone.
    pub message: Option<String>,
    pub at: Timestamp,
}

/// How a failed Job ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JobFailure {
    /// The program's exit code; absent when the pod was lost.
    pub exit_code: Option<i32>,
    pub message: Option<String>,
    pub at: Timestamp,
}

impl JobState {
    pub(crate) const fn finished_at(&self) -> Option<Timestamp> {
        match self {
            Self::Succeeded(success) => Some(success.at),
            Self::Failed(failure) => Some(failure.at),
            Self::Pending(_) | Self::Running => None,
        }
    }

    pub(crate) const fn is_finished(&self) -> bool {
        matches!(self, Self::Succeeded(_) | Self::Failed(_))
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DeploymentView {
    /// The revision that its template was built from.
    pub revision: String,
    /// The number of pods asked for.
    pub desired: i32,
    /// The number of pods of the present template.
    pub updated: i32,
    /// The number of pods that have been ready for long enough.
    pub available: i32,
    /// The number of all pods.
    pub total: i32,
    /// Whether the Deployment's controller has seen its present specification.
    pub is_observed: bool,
    /// Whether the present template missed its deadline.
    pub deadline_exceeded: bool,
}

impl DeploymentView {
    /// Whether all pods have this revision and are available.
    pub(crate) fn is_complete_for(&self, revision: &str) -> bool {
        self.revision == revision
            && self.is_observed
            && self.updated == self.desired
            && self.available == self.desired
            && self.total == self.desired
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PodView {
    pub name: String,
    pub component: Component,
    /// The release that it runs.
    pub version: String,
    pub revision: String,
    /// The ConfigMap that it takes its settings from.
    pub config_map: String,
    /// Why it is not ready, when it gives a reason.
    pub trouble: Option<String>,
}

/// The part of a Secret that is not secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretView {
    /// Changes whenever the Secret changes, and reveals nothing about its content.
    pub stamp: String,
    /// The value of the key `username`.
    pub username: Option<String>,
}

/// What PostgreSQL answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PostgresView {
    /// The rows of `_sqlx_migrations`: number, and checksum in hexadecimal. Empty when there is no such table.
    pub migrations: BTreeMap<i64, String>,
    /// The tables of the publication; `None` when it does not exist.
    pub publication: Option<BTreeSet<String>>,
    /// The replication slot; `None` when it does not exist.
    pub slot: Option<SlotView>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Whether a client reads from it.
    pub is_active: bool,
}

/// What Kafka Connect answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectView {
    /// The connector; `None` when it does not exist.
    pub connector: Option<ConnectorView>,
    /// Whether offsets are stored under its name. This is asked only when the connector is stopped in order to be
    /// deleted.
    pub has_offsets: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectorView {
    /// The whole configuration.
    pub config: BTreeMap<String, String>,
    /// RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, RESTARTING.
    pub state: String,
    pub tasks: Vec<TaskView>,
    /// The Java stack trace, when the connector itself failed.
    pub trace: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskView {
    pub id: i32,
    /// One of the words of [`ConnectorView::state`].
    pub state: String,
    /// The Java stack trace, when the task failed.
    pub trace: Option<String>,
}

/// What Elasticsearch answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElasticsearchView {
    /// The indexes of the platform's prefix, and when each was filled.
    pub indexes: BTreeMap<String, Option<String>>,
    /// The indexes that the alias points to.
    pub alias: BTreeSet<String>,
}
