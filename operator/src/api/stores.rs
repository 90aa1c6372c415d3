use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretName;

/// The platform's PostgreSQL database. Three roles with the least rights use it.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PostgresSpec {
    /// A host name or an address. A name without a dot is a Service in the resource's namespace. Cannot be changed:
    /// another database needs a new TicketPlatform.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = ("self == oldSelf", "postgres.host cannot be changed: moving is a new TicketPlatform"))]
    pub host: String,
    /// The TCP port. Default 5432. Cannot be changed.
    #[serde(default = "default_postgres_port")]
    #[schemars(range(min = 1, max = 65_535))]
    #[x_kube(validation = ("self == oldSelf", "postgres.port cannot be changed: moving is a new TicketPlatform"))]
    pub port: i32,
    /// The database's name. Cannot be changed.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = ("self == oldSelf", "postgres.database cannot be changed: moving is a new TicketPlatform"))]
    pub database: String,
    /// Encryption of connections, in libpq's words. Default `prefer`.
    #[serde(default)]
    pub ssl_mode: SslMode,
    /// The role of the services, which read and write rows.
    pub service: DatabaseRole,
    /// The role that owns the tables. Migrations use it, and the publication of the change feed.
    pub migration: DatabaseRole,
    /// The role of the change feed, with LOGIN, REPLICATION and SELECT.
    pub change_feed: ChangeFeedRole,
}

const fn default_postgres_port() -> i32 {
    5432
}

/// Encryption of connections to PostgreSQL.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// Never.
    Disable,
    /// When the server offers it.
    #[default]
    Prefer,
    /// Always. The server's certificate is not checked.
    Require,
    /// Always. The server's certificate must come from a known authority.
    VerifyCa,
    /// Always. The certificate must also name this host.
    VerifyFull,
}

impl SslMode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// A role of the database.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub struct DatabaseRole {
    /// A Secret with the keys `username` and `password`.
    pub secret: SecretName,
}

/// The role of the change feed.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeFeedRole {
    /// A Secret with the keys `username` and `password`. The operator uses it to drop the slot. The connector's
    /// configuration takes the user name from it, and never the password.
    pub secret: SecretName,
    /// Where Kafka Connect finds the password: a reference to one of its config providers. Default
    /// `${directory:/etc/ticket-platform/secrets/<secret>:password}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500), regex(pattern = r"^\$\{.+\}$"))]
    pub password_reference: Option<String>,
}

impl ChangeFeedRole {
    /// The reference that stands in the connector's configuration in place of the password.
    pub fn password_reference(&self) -> String {
        self.password_reference
            .clone()
            .unwrap_or_else(|| format!("${{directory:/etc/ticket-platform/secrets/{}:password}}", self.secret.name))
    }
}

/// Redis, which keeps holds and caches.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedisSpec {
    /// The address as `host:port`.
    #[schemars(regex(pattern = r"^[^:\s]+:[0-9]{1,5}$"), length(max = 260))]
    pub address: String,
    /// A Secret with the key `password`. Without it no password is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretName>,
}

/// Kafka, which carries changes from the database to the search index.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KafkaSpec {
    /// One or more addresses `host:port`, separated by commas. Cannot be changed.
    #[schemars(length(min = 3, max = 1000))]
    #[x_kube(validation = ("self == oldSelf", "kafka.bootstrapServers cannot be changed: moving is a new TicketPlatform"))]
    pub bootstrap_servers: String,
    /// The number of partitions that a topic is created with. Default 3.
    #[serde(default = "default_topic_partitions")]
    #[schemars(range(min = 1, max = 1000))]
    pub topic_partitions: i32,
    /// The number of copies of each partition that a topic is created with. Default 1. Use 3 in production.
    #[serde(default = "default_topic_replication_factor")]
    #[schemars(range(min = 1, max = 15))]
    pub topic_replication_factor: i32,
}

const fn default_topic_partitions() -> i32 {
    3
}

const fn default_topic_replication_factor() -> i32 {
    1
}

/// Kafka Connect and the connector that feeds the search index.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConnectSpec {
    /// The base URL of Connect's REST interface. A host without a dot is a Service in the resource's namespace. Cannot
    /// be changed.
    #[schemars(regex(pattern = r"^https?://[^/\s]+$"), length(max = 300))]
    #[x_kube(validation = ("self == oldSelf", "connect.url cannot be changed: moving is a new TicketPlatform"))]
    pub url: String,
    /// The connector.
    #[serde(default)]
    pub connector: ConnectorSpec,
}

/// The change feed's connector. Its names cannot be changed: another slot or topic would be another feed.
///
/// When a release adds tables to the feed, the connector sends their changes from then on. It does not send their
/// existing rows, because no incremental snapshot is taken: a new search index is filled from the database.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorSpec {
    /// Whether the connector should run. Default `Running`.
    #[serde(default)]
    pub state: ConnectorState,
    /// The name of the connector in Kafka Connect. Default `tickets`.
    #[serde(default = "default_feed_name")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"), length(max = 100))]
    #[x_kube(validation = ("self == oldSelf", "connect.connector.name cannot be changed"))]
    pub name: String,
    /// The name of the replication slot. Default `tickets`.
    #[serde(default = "default_feed_name")]
    #[schemars(regex(pattern = r"^[a-z0-9_]+$"), length(max = 63))]
    #[x_kube(validation = ("self == oldSelf", "connect.connector.slot cannot be changed"))]
    pub slot: String,
    /// The name of the publication. Default `tickets`.
    #[serde(default = "default_feed_name")]
    #[schemars(regex(pattern = r"^[a-z_][a-z0-9_]*$"), length(max = 63))]
    #[x_kube(validation = ("self == oldSelf", "connect.connector.publication cannot be changed"))]
    pub publication: String,
    /// The first part of the topics' names, `<prefix>.<schema>.<table>`. Default `pg`.
    #[serde(default = "default_topic_prefix")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"), length(max = 100))]
    #[x_kube(validation = ("self == oldSelf", "connect.connector.topicPrefix cannot be changed"))]
    pub topic_prefix: String,
}

fn default_feed_name() -> String {
    "tickets".to_owned()
}

fn default_topic_prefix() -> String {
    "pg".to_owned()
}

impl Default for ConnectorSpec {
    fn default() -> Self {
        Self {
            state: ConnectorState::default(),
            name: default_feed_name(),
            slot: default_feed_name(),
            publication: default_feed_name(),
            topic_prefix: default_topic_prefix(),
        }
    }
}

/// Whether the connector should run.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub enum ConnectorState {
    /// It runs.
    #[default]
    Running,
    /// Its tasks are kept, but they send nothing.
    Paused,
    /// It has no tasks, and its offsets may be changed.
    Stopped,
}

impl ConnectorState {
    pub const fn as_connect(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Stopped => "STOPPED",
        }
    }
}

/// Elasticsearch, which holds the search index.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ElasticsearchSpec {
    /// The base URL. A host without a dot is a Service in the resource's namespace. Cannot be changed.
    #[schemars(regex(pattern = r"^https?://[^/\s]+$"), length(max = 300))]
    #[x_kube(validation = ("self == oldSelf", "elasticsearch.url cannot be changed: moving is a new TicketPlatform"))]
    pub url: String,
    /// The first part of the indexes' names, `<prefix>-<hash of the definition>`, and the name of the alias that people
    /// and tools use. Default `events`. Cannot be changed.
    #[serde(default = "default_index_prefix")]
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]*$"), length(max = 100))]
    #[x_kube(validation = ("self == oldSelf", "elasticsearch.indexPrefix cannot be changed"))]
    pub index_prefix: String,
}

fn default_index_prefix() -> String {
    "events".to_owned()
}
