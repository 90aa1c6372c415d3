//! Everything `decide` may look at, as plain values.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;

use crate::{component::Component, failures::Failures};

/// Something outside that was asked, and either answered or did not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact<T> {
    /// It answered.
    Known(T),
    /// It did not, because of this.
    Unknown(String),
}

impl<T> Fact<T> {
    /// The answer, if there is one.
    pub(crate) const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

/// The world as it was found at the beginning of a reconcile.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// Jobs of this platform.
    pub jobs: Vec<JobView>,
    /// Deployments of this platform.
    pub deployments: BTreeMap<Component, DeploymentView>,
    /// Pods of this platform's services.
    pub pods: Vec<PodView>,
    /// Names of this platform's ConfigMaps, with the service each belongs to.
    pub config_maps: BTreeMap<String, Component>,
    /// Services with a PodDisruptionBudget.
    pub disruption_budgets: BTreeSet<Component>,
    /// Secrets the resource names.
    pub secrets: BTreeMap<String, Fact<SecretView>>,
    /// The database.
    pub postgres: Fact<PostgresView>,
    /// Kafka Connect.
    pub connect: Fact<ConnectView>,
    /// Elasticsearch.
    pub elasticsearch: Fact<ElasticsearchView>,
    /// Older platforms that use a name this one would use too, as sentences.
    pub collisions: Vec<String>,
    /// Steps that failed the last time they were carried out.
    pub failures: Failures,
}

/// Which Job of the platform.
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
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::MigrateBefore, Self::MigrateAfter, Self::PrepareIndex];

    /// The word in names and labels.
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
    /// Its name.
    pub name: String,
    /// What it does.
    pub kind: JobKind,
    /// Hash of what it does it with.
    pub key: String,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// The resource's generation when it was made.
    pub generation: i64,
    /// How far it is.
    pub state: JobState,
}

/// How far a Job is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JobState {
    /// Its container has not started; why, when the pod says so.
    Pending(Option<String>),
    /// Its container runs.
    Running,
    /// Its container ended with 0.
    Succeeded(JobSuccess),
    /// Its container ended otherwise, or never ran.
    Failed(JobFailure),
}

/// How a Job ended that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JobSuccess {
    /// The termination message; absent when the pod is gone.
    pub message: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// How a Job ended that did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JobFailure {
    /// The program's exit code; absent when the pod was lost.
    pub exit_code: Option<i32>,
    /// The termination message.
    pub message: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl JobState {
    /// When it ended, if it has.
    pub(crate) const fn finished_at(&self) -> Option<Timestamp> {
        match self {
            Self::Succeeded(success) => Some(success.at),
            Self::Failed(failure) => Some(failure.at),
            Self::Pending(_) | Self::Running => None,
        }
    }

    /// Whether it will not change any more.
    pub(crate) const fn is_finished(&self) -> bool {
        matches!(self, Self::Succeeded(_) | Self::Failed(_))
    }
}

/// A Deployment of one of the services.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DeploymentView {
    /// The revision its template was built from.
    pub revision: String,
    /// Pods asked for.
    pub desired: i32,
    /// Pods of the present template.
    pub updated: i32,
    /// Pods that have been ready for long enough.
    pub available: i32,
    /// Pods altogether.
    pub total: i32,
    /// Whether the Deployment's controller has seen its present form.
    pub is_observed: bool,
    /// Whether the present template missed its deadline.
    pub deadline_exceeded: bool,
}

impl DeploymentView {
    /// Whether all pods are of this revision and available.
    pub(crate) fn is_complete_for(&self, revision: &str) -> bool {
        self.revision == revision
            && self.is_observed
            && self.updated == self.desired
            && self.available == self.desired
            && self.total == self.desired
    }
}

/// A pod of one of the services.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PodView {
    /// Its name.
    pub name: String,
    /// Its service.
    pub component: Component,
    /// The release it runs.
    pub version: String,
    /// The revision of its template.
    pub revision: String,
    /// The ConfigMap it takes its settings from.
    pub config_map: String,
    /// Why it is not ready, when it says so.
    pub trouble: Option<String>,
}

/// A Secret, as far as anybody but its user needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretView {
    /// Changes whenever the Secret does, and tells nothing about its content.
    pub stamp: String,
    /// The key `username`.
    pub username: Option<String>,
}

/// What PostgreSQL was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PostgresView {
    /// Rows of `_sqlx_migrations`: number and checksum in hexadecimal. Empty when there is no such table.
    pub migrations: BTreeMap<i64, String>,
    /// Tables of the publication; `None` when it does not exist.
    pub publication: Option<BTreeSet<String>>,
    /// Whether the slot exists, and whether somebody reads from it.
    pub slot: Option<SlotView>,
}

/// A replication slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Whether somebody reads from it.
    pub is_active: bool,
}

/// What Kafka Connect was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectView {
    /// The connector; `None` when it does not exist.
    pub connector: Option<ConnectorView>,
    /// Whether offsets are stored under its name. Looked up only once it is stopped to be deleted.
    pub has_offsets: bool,
}

/// A connector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectorView {
    /// Its whole configuration.
    pub config: BTreeMap<String, String>,
    /// RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, RESTARTING.
    pub state: String,
    /// Its tasks.
    pub tasks: Vec<TaskView>,
    /// Why the connector itself failed.
    pub trace: Option<String>,
}

/// A task of a connector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskView {
    /// Its number.
    pub id: i32,
    /// As the connector's.
    pub state: String,
    /// Why it failed.
    pub trace: Option<String>,
}

/// What Elasticsearch was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElasticsearchView {
    /// Indexes of the platform's prefix, and when each was filled.
    pub indexes: BTreeMap<String, Option<String>>,
    /// The indexes the alias points to.
    pub alias: BTreeSet<String>,
}
