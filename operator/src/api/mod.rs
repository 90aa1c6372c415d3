//! The `TicketPlatform` resource: what a user asks for, and what the operator answers.
//!
//! All of it becomes part of the CRD. `kubectl explain` prints the doc comments.

mod booking;
mod reason;
mod schema;
mod secret;
mod services;
mod spec;
mod status;
mod stores;
mod workload;

pub use booking::{BookingSpec, FreePayments, Payments, StripePayments};
pub use reason::{Attention, ConditionType, Reason};
pub use secret::SecretName;
pub use services::ServicesSpec;
pub use spec::{DeletionPolicy, ImagesSpec, LeftBehind, PullPolicy, TicketPlatform, TicketPlatformSpec};
pub use status::{
    ConnectorStatus, IndexStatus, LastGood, MigrationsStatus, RecordedRelease, RolloutStatus, TicketPlatformStatus,
};
pub use stores::{
    ChangeFeedRole, ConnectSpec, ConnectorSpec, ConnectorState, DatabaseRole, ElasticsearchSpec, KafkaSpec,
    PostgresSpec, RedisSpec, SslMode,
};
pub use workload::{HttpServiceSpec, PodTemplateSpec, Resources, ServiceType, WorkloadSpec};

pub const GROUP: &str = "ticketplatform.dev";
/// The finalizer that keeps a platform until everything that it made outside Kubernetes is removed.
pub const FINALIZER: &str = "ticketplatform.dev/external-things";
