//! The identity of a service's pods. It has no rights, because the services do not talk to Kubernetes.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::owned_metadata;
use crate::{api::TicketPlatform, component::Component, names};

pub fn build(platform: &TicketPlatform, component: Component) -> ServiceAccount {
    let labels = names::labels(platform, component.as_str());
    ServiceAccount {
        metadata: owned_metadata(platform, names::workload(platform, component), labels),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
