use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ConnectSpec, ElasticsearchSpec, KafkaSpec, PostgresSpec, RedisSpec, SecretName, ServicesSpec, TicketPlatformStatus,
};

/// What one ticket sales platform is made of: the release to run, the stores it uses and its three services.
///
/// The operator prepares schema, search index and change feed of a release before it rolls the services to it.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq)]
#[kube(
    group = "ticketplatform.dev",
    version = "v1alpha1",
    kind = "TicketPlatform",
    plural = "ticketplatforms",
    shortname = "tp",
    category = "all",
    namespaced,
    derive = "PartialEq",
    status = "TicketPlatformStatus",
    doc = "A ticket sales platform: schema, search index, change feed and the services event-management, booking and search, kept at one release.",
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Migrations", type_ = "string", json_path = ".status.conditions[?(@.type==\"MigrationsApplied\")].reason"),
    printcolumn(name = "Index", type_ = "string", json_path = ".status.conditions[?(@.type==\"IndexReady\")].reason"),
    printcolumn(name = "Connector", type_ = "string", json_path = ".status.conditions[?(@.type==\"ConnectorReady\")].reason"),
    printcolumn(name = "Services", type_ = "string", json_path = ".status.conditions[?(@.type==\"ServicesAvailable\")].reason"),
    printcolumn(name = "Serving", type_ = "string", json_path = ".status.version", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 30")
        .message("metadata.name must be at most 30 characters: it prefixes the names of everything the operator makes")
)]
#[serde(rename_all = "camelCase")]
pub struct TicketPlatformSpec {
    /// The release: tag of every image of the platform. Its images bring their own migrations, index definition and
    /// tables of the change feed.
    #[schemars(regex(pattern = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"))]
    pub version: String,
    /// Where the images come from.
    #[serde(default)]
    pub images: ImagesSpec,
    /// The one database of the platform.
    pub postgres: PostgresSpec,
    /// Holds and caches.
    pub redis: RedisSpec,
    /// The broker that carries changes from the database to the search index.
    pub kafka: KafkaSpec,
    /// Kafka Connect, which runs the change feed (Debezium's PostgreSQL connector).
    pub connect: ConnectSpec,
    /// The search index's store.
    pub elasticsearch: ElasticsearchSpec,
    /// The three services.
    pub services: ServicesSpec,
    /// What becomes of things outside Kubernetes when this resource is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// Stops all work of the operator on this platform until it is false again. What runs keeps running. Deleting
    /// the resource still cleans up.
    #[serde(default)]
    pub paused: bool,
    /// Seconds a new revision of the services may take to become ready before the operator goes back to the last
    /// good one. Default 300.
    #[serde(default = "default_progress_deadline_seconds")]
    #[schemars(range(min = 10, max = 86_400))]
    pub progress_deadline_seconds: i32,
}

const fn default_progress_deadline_seconds() -> i32 {
    300
}

/// Where the images come from: `<registry>/<program>:<version>`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagesSpec {
    /// Registry and path in front of the program's name. Default `localhost/ticket-platform`.
    #[serde(default = "default_registry")]
    #[schemars(length(min = 1, max = 200))]
    pub registry: String,
    /// When the node pulls an image. Default `IfNotPresent`.
    #[serde(default)]
    pub pull_policy: PullPolicy,
    /// Secrets of type `kubernetes.io/dockerconfigjson` in the same namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub pull_secrets: Vec<SecretName>,
}

fn default_registry() -> String {
    "localhost/ticket-platform".to_owned()
}

impl Default for ImagesSpec {
    fn default() -> Self {
        Self { registry: default_registry(), pull_policy: PullPolicy::default(), pull_secrets: Vec::new() }
    }
}

/// When the node pulls an image.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub enum PullPolicy {
    /// Each time a container starts.
    Always,
    /// When the node does not have it.
    #[default]
    IfNotPresent,
    /// The node must have it.
    Never,
}

impl PullPolicy {
    /// The word the pod's specification uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// What becomes of things outside Kubernetes when the resource is deleted.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionPolicy {
    /// Connector, its offsets, the replication slot and the publication. Default `Delete`: a slot that nobody reads
    /// keeps the database's write-ahead log from being recycled until the disk is full.
    #[serde(default = "LeftBehind::delete")]
    pub connector: LeftBehind,
    /// Search indexes and their alias. Default `Retain`.
    #[serde(default = "LeftBehind::retain")]
    pub index: LeftBehind,
}

impl Default for DeletionPolicy {
    fn default() -> Self {
        Self { connector: LeftBehind::Delete, index: LeftBehind::Retain }
    }
}

/// Whether an external thing goes with the resource.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub enum LeftBehind {
    /// Removed with the resource.
    Delete,
    /// Left as it is.
    Retain,
}

impl LeftBehind {
    const fn delete() -> Self {
        Self::Delete
    }

    const fn retain() -> Self {
        Self::Retain
    }
}
