use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use release::Release;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConditionType, schema};

/// What the operator found and did. When the status is lost, the operator looks up again what the gates depend on. It
/// then no longer knows the last good revision, the revision that failed, and which releases' later migrations it has
/// applied.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketPlatformStatus {
    /// The generation of the resource that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, and one condition for each gate: MigrationsApplied, IndexReady, ConnectorReady,
    /// ServicesAvailable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    pub conditions: Vec<Condition>,
    /// The version that all services run. Empty until the first rollout is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The description that the release of `spec.version` gives of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<RecordedRelease>,
    /// Gate 1: the migrations.
    #[serde(default)]
    pub migrations: MigrationsStatus,
    /// Gate 2: the search index.
    #[serde(default)]
    pub index: IndexStatus,
    /// Gate 3: the change feed.
    #[serde(default)]
    pub connector: ConnectorStatus,
    /// Gate 4: the services.
    #[serde(default)]
    pub rollout: RolloutStatus,
    /// The last revision whose pods were all ready. The operator goes back to it after a failed rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good: Option<LastGood>,
    /// When the operator first saw that the resource is being deleted. Its deadlines count from here, because it may
    /// not have run when the resource was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub deletion_started_time: Option<Time>,
}

impl TicketPlatformStatus {
    /// The condition of a type, if it has been set.
    pub fn condition(&self, kind: ConditionType) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == kind.as_str())
    }
}

/// A release's description, and the migration Job that reported it.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRelease {
    /// The hash of the image and the database of the Job that reported it.
    pub job_key: String,
    /// The description.
    pub description: Release,
}

/// Gate 1: the migrations.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationsStatus {
    /// The hash of the `before` migrations that are known to be applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_for: Option<String>,
    /// The number of the Job's latest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>")]
    pub attempt: Option<u32>,
    /// The numbers of all `after` migrations that were ever applied. A release that does not know them is not rolled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_applied: Vec<i64>,
}

/// Gate 2: the search index.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndexStatus {
    /// The index that is known to exist and to be filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_for: Option<String>,
    /// The number of the Job's latest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>")]
    pub attempt: Option<u32>,
}

/// Gate 3: the change feed.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorStatus {
    /// The hash of the configuration and the tables with which the connector was last seen running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_for: Option<String>,
    /// The number of restarts since it last ran for a while.
    #[serde(default)]
    #[schemars(with = "i32")]
    pub restarts: u32,
    /// When it was last restarted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::time")]
    pub last_restart_time: Option<Time>,
}

/// Gate 4: the services.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// The hash of everything that the pods are made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// A revision that did not become ready. It is not tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_revision: Option<String>,
    /// What was seen when that revision was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A revision whose pods were all ready.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastGood {
    /// The version.
    pub version: String,
    /// The hash of everything that its pods were made of.
    pub revision: String,
    /// The description that its release gave of itself.
    pub release: RecordedRelease,
    /// The resource's specification at that time.
    #[schemars(schema_with = "schema::any_object")]
    pub spec: serde_json::Value,
}
