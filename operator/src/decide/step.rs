//! The steps that a plan is made of.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{ConfigMap, Service, ServiceAccount},
    policy::v1::PodDisruptionBudget,
};

use crate::{api::Reason, hash};

/// One thing to do, and the gate it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub gate: GateKind,
    /// The release that the step is for: the key of the migration Job that described it. Gates are passed for content,
    /// so a step may be carried out only when the gates ahead of its own are passed for this very content.
    pub content: String,
    /// The hash of everything that an attempt depends on. A failure says nothing about a step with another key.
    pub attempt_key: String,
    pub action: Action,
}

/// The gates, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GateKind {
    /// The `before` migrations.
    Migrations,
    /// The search index.
    Index,
    /// The change feed.
    Connector,
    /// The services.
    Services,
    /// What may happen only once no pod of an older release runs.
    AfterRollout,
}

/// What the operator can do. Each action can be repeated without harm.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Puts the finalizer on the resource. That comes before anything outside Kubernetes is made.
    AddFinalizer,
    /// Takes the finalizer off the resource, and reports what is left behind.
    RemoveFinalizer(LeftOver),
    /// Creates a Job.
    CreateJob(Box<Job>),
    /// Removes a Job and its pod.
    DeleteJob(String),
    /// Creates the publication, or makes it publish exactly these tables.
    SetPublication {
        /// Each as `<schema>.<table>`.
        tables: Vec<String>,
        /// Whether the publication exists.
        exists: bool,
    },
    /// Lets Connect validate and store the connector's configuration.
    ConfigureConnector(BTreeMap<String, String>),
    /// Sends `pause`, `resume` or `stop` to the connector.
    SetConnectorState(&'static str),
    /// Restarts the connector and its failed tasks.
    RestartConnector,
    /// Applies an object.
    Apply(Box<Object>),
    /// Removes an object that is not needed any more.
    Remove(Kind, String),
    /// Points the alias at one index and no other.
    PointAlias {
        index: String,
        /// The indexes that it points to now.
        from: BTreeSet<String>,
    },
    /// Deletes the offsets of the stopped connector.
    DeleteOffsets,
    /// Removes the connector.
    DeleteConnector,
    /// Removes the replication slot.
    DropSlot,
    /// Removes the publication.
    DropPublication,
    /// Removes indexes, and their alias with them.
    DeleteIndexes(Vec<String>),
}

/// The things outside Kubernetes that could not be removed, as phrases.
pub(crate) type LeftOver = Vec<String>;

/// An object that the operator keeps as it was built.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    ServiceAccount(ServiceAccount),
    ConfigMap(ConfigMap),
    Deployment(Box<Deployment>),
    Service(Box<Service>),
    PodDisruptionBudget(PodDisruptionBudget),
}

/// The kinds of objects that the operator removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ConfigMap,
    Deployment,
    PodDisruptionBudget,
}

impl Action {
    /// The name under which its failures are remembered. Logs show it too.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::AddFinalizer => "add finalizer".into(),
            Self::RemoveFinalizer(_) => "remove finalizer".into(),
            Self::CreateJob(job) => format!("create Job {}", job.metadata.name.as_deref().unwrap_or_default()),
            Self::DeleteJob(name) => format!("delete Job {name}"),
            Self::SetPublication { .. } => "set publication".into(),
            Self::ConfigureConnector(_) => "configure connector".into(),
            Self::SetConnectorState(verb) => format!("{verb} connector"),
            Self::RestartConnector => "restart connector".into(),
            Self::Apply(object) => format!("apply {}", object.description()),
            Self::Remove(kind, name) => format!("delete {kind:?} {name}"),
            Self::PointAlias { .. } => "point alias".into(),
            Self::DeleteOffsets => "delete offsets".into(),
            Self::DeleteConnector => "delete connector".into(),
            Self::DropSlot => "drop slot".into(),
            Self::DropPublication => "drop publication".into(),
            Self::DeleteIndexes(_) => "delete indexes".into(),
        }
    }

    /// The hash of what it works with.
    pub(crate) fn fingerprint(&self) -> String {
        hash::of([format!("{self:?}").as_str()])
    }

    /// The reason of the gate's condition when this action is refused.
    pub(crate) const fn refusal(&self) -> Reason {
        match self {
            Self::SetPublication { .. } | Self::ConfigureConnector(_) => Reason::ConnectorInvalid,
            _ => Reason::StepFailed,
        }
    }
}

impl Object {
    /// The kind and the name.
    pub(crate) fn description(&self) -> String {
        let (kind, metadata) = match self {
            Self::ServiceAccount(object) => ("ServiceAccount", &object.metadata),
            Self::ConfigMap(object) => ("ConfigMap", &object.metadata),
            Self::Deployment(object) => ("Deployment", &object.metadata),
            Self::Service(object) => ("Service", &object.metadata),
            Self::PodDisruptionBudget(object) => ("PodDisruptionBudget", &object.metadata),
        };
        format!("{kind} {}", metadata.name.as_deref().unwrap_or_default())
    }
}
