//! What a plan is made of.

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
    /// The gate.
    pub gate: GateKind,
    /// The release it is done for: key of the migration Job that described it. Gates are passed for content, so a
    /// step may only be taken when the gates ahead of its own are passed for this very content.
    pub content: String,
    /// Hash of everything an attempt depends on. A failure says nothing about a step with another key.
    pub attempt_key: String,
    /// What to do.
    pub action: Action,
}

/// The gates, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GateKind {
    /// `before` migrations.
    Migrations,
    /// Search index.
    Index,
    /// Change feed.
    Connector,
    /// The services.
    Services,
    /// What may only happen once no pod of an older release runs.
    AfterRollout,
}

/// What the operator can do. Each can be repeated without harm.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Puts the finalizer on the resource, before anything outside Kubernetes is made.
    AddFinalizer,
    /// Lets the resource go, after what it made outside is removed or recorded as left behind.
    RemoveFinalizer(LeftOver),
    /// Makes a Job.
    CreateJob(Box<Job>),
    /// Removes a Job and its pod.
    DeleteJob(String),
    /// Creates the publication, or makes it publish exactly these tables.
    SetPublication {
        /// `<schema>.<table>`
        tables: Vec<String>,
        /// Whether it is there already.
        exists: bool,
    },
    /// Has Connect validate and store the connector's configuration.
    ConfigureConnector(BTreeMap<String, String>),
    /// `pause`, `resume` or `stop`.
    SetConnectorState(&'static str),
    /// Restarts the connector and those of its tasks that failed.
    RestartConnector,
    /// Applies an object.
    Apply(Box<Object>),
    /// Removes an object that is not needed any more.
    Remove(Kind, String),
    /// Points the alias at one index and no other.
    PointAlias {
        /// The index.
        index: String,
        /// Where it points now.
        from: BTreeSet<String>,
    },
    /// Forgets the stopped connector's offsets.
    DeleteOffsets,
    /// Removes the connector.
    DeleteConnector,
    /// Removes the replication slot.
    DropSlot,
    /// Removes the publication.
    DropPublication,
    /// Removes indexes and with them their alias.
    DeleteIndexes(Vec<String>),
}

/// Things outside Kubernetes that could not be removed, as sentences.
pub(crate) type LeftOver = Vec<String>;

/// An object the operator keeps as it was built.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object {
    ServiceAccount(ServiceAccount),
    ConfigMap(ConfigMap),
    Deployment(Box<Deployment>),
    Service(Box<Service>),
    PodDisruptionBudget(PodDisruptionBudget),
}

/// Kinds the operator removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ConfigMap,
    Deployment,
    PodDisruptionBudget,
}

impl Action {
    /// A name under which its failures are remembered, and which logs show.
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

    /// Hash of what it works with.
    pub(crate) fn fingerprint(&self) -> String {
        hash::of([format!("{self:?}").as_str()])
    }

    /// The reason a gate's condition takes when this action is refused.
    pub(crate) const fn refusal(&self) -> Reason {
        match self {
            Self::SetPublication { .. } | Self::ConfigureConnector(_) => Reason::ConnectorInvalid,
            _ => Reason::StepFailed,
        }
    }
}

impl Object {
    /// Kind and name.
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
