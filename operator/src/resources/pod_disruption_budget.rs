//! Keeps all but one of a service's pods while nodes are drained.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::owned_metadata;
use crate::{
    api::{TicketPlatform, TicketPlatformSpec},
    component::Component,
    names,
};

/// Builds the budget; `None` for a single pod, because a budget would only block every drain.
pub fn build(
    platform: &TicketPlatform,
    component: Component,
    spec: &TicketPlatformSpec,
) -> Option<PodDisruptionBudget> {
    if component.workload(spec).replicas <= 1 {
        return None;
    }
    let selector =
        LabelSelector { match_labels: Some(names::selector(platform, component)), ..LabelSelector::default() };
    Some(PodDisruptionBudget {
        metadata: owned_metadata(
            platform,
            names::workload(platform, component),
            names::labels(platform, component.as_str()),
        ),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(selector),
            // A pod that is not ready serves no request, so it must not keep a node from being drained.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".into()),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    })
}
