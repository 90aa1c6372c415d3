//! Reads the Deployments of the services.

use k8s_openapi::api::apps::v1::Deployment;

use crate::{component::Component, names, observed::DeploymentView};

/// A view of a Deployment, and the service that it belongs to.
pub(crate) fn view(deployment: &Deployment) -> Option<(Component, DeploymentView)> {
    let metadata = &deployment.metadata;
    if metadata.deletion_timestamp.is_some() {
        return None;
    }
    let component = Component::parse(metadata.labels.as_ref()?.get(names::COMPONENT)?)?;
    let spec = deployment.spec.as_ref()?;
    let status = deployment.status.clone().unwrap_or_default();
    let revision = spec.template.metadata.as_ref()?.annotations.as_ref()?.get(names::REVISION)?;
    let progressing = status.conditions.iter().flatten().find(|condition| condition.type_ == "Progressing");
    let view = DeploymentView {
        revision: revision.clone(),
        desired: spec.replicas.unwrap_or(1),
        updated: status.updated_replicas.unwrap_or_default(),
        available: status.available_replicas.unwrap_or_default(),
        total: status.replicas.unwrap_or_default(),
        is_observed: status.observed_generation >= metadata.generation,
        deadline_exceeded: progressing
            .is_some_and(|condition| condition.reason.as_deref() == Some("ProgressDeadlineExceeded")),
    };
    Some((component, view))
}
