use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BookingSpec, WorkloadSpec};

/// The three services of the platform.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServicesSpec {
    /// Shows events with the state of their seats. Port 8080.
    #[serde(default)]
    pub event_management: WorkloadSpec,
    /// Holds seats and sells them. Port 8081.
    pub booking: BookingSpec,
    /// Finds events, and keeps the search index up to date. Port 8082.
    #[serde(default)]
    pub search: WorkloadSpec,
}
