use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ConnectSpec, ElasticsearchSpec, KafkaSpec, PostgresSpec, RedisSpec, SecretName, ServicesSpec, TicketPlatformStatus,
};

/// What one ticket sales platform consists of: the release to run, the stores that it uses, and its three services.
///
/// The operator prepares the schema, the search index and the change feed of a release before it rolls the services to
/// it.
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
    /// The release: the tag of every image of the platform. The images bring their own migrations, index definition and
    /// list of the change feed's tables.
    #[schemars(regex(pattern = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"))]
    pub version: String,
    /// Where the images come from.
    #[serde(default)]
    pub images: ImagesSpec,
    /// The platform's database.
    pub postgres: PostgresSpec,
    /// Redis, which keeps holds and caches.
    pub redis: RedisSpec,
    /// Kafka, which carries changes from the database to the search index.
    pub kafka: KafkaSpec,
    /// Kafka Connect, which runs the change feed (Debezium's PostgreSQL connector).
    pub connect: ConnectSpec,
    /// Elasticsearch, which keeps the search index.
    pub elasticsearch: ElasticsearchSpec,
    /// The three services.
    pub services: ServicesSpec,
    /// What is removed outside Kubernetes when this resource is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// While this is true, the operator does nothing for this platform. What runs keeps running. Deleting the resource
    /// still cleans up.
    #[serde(default)]
    pub paused: bool,
    /// Seconds that a new revision of the services may take to become ready. After them the operator goes back to the
    /// last good revision. Default 300.
    #[serde(default = "default_progress_deadline_seconds")]
    #[schemars(range(min = 10, max = 86_400))]
    pub progress_deadline_seconds: i32,
}

const fn default_progress_deadline_seconds() -> i32 {
    300
}

/// Where the images come from. An image is `<registry>/<program>:<version>`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagesSpec {
    /// The registry and the path before the program's name. Default `localhost/ticket-platform`.
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
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// What is removed outside Kubernetes when the resource is deleted.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionPolicy {
    /// The connector with its offsets, the replication slot and the publication. Default `Delete`: an unread slot makes
    /// the database keep its write-ahead log until the disk is full.
    #[serde(default = "LeftBehind::delete")]
    pub connector: LeftBehind,
    /// The search indexes and their alias. Default `Retain`.
    #[serde(default = "LeftBehind::retain")]
    pub index: LeftBehind,
}

impl Default for DeletionPolicy {
    fn default() -> Self {
        Self { connector: LeftBehind::Delete, index: LeftBehind::Retain }
    }
}

/// Whether something outside Kubernetes is removed together with the resource.
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
