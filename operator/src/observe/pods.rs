//! Reads the pods of the services, and the reason that a pod gives for not being ready.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use crate::{component::Component, names, observed::PodView};

/// A view of a service's pod; `None` for pods of Jobs and for pods that ended.
pub(crate) fn view(pod: &Pod) -> Option<PodView> {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    if matches!(phase, Some("Succeeded" | "Failed")) {
        return None;
    }
    let labels = pod.metadata.labels.as_ref()?;
    let annotation = |name: &str| pod.metadata.annotations.as_ref()?.get(name).cloned();
    Some(PodView {
        name: pod.metadata.name.clone()?,
        component: Component::parse(labels.get(names::COMPONENT)?)?,
        version: labels.get(names::VERSION).cloned().unwrap_or_default(),
        revision: annotation(names::REVISION).unwrap_or_default(),
        config_map: annotation(names::CONFIG).unwrap_or_default(),
        trouble: trouble(pod),
    })
}

/// The reason why a pod is not ready, if it gives one: it cannot be scheduled, or its container waits or failed.
pub(crate) fn trouble(pod: &Pod) -> Option<String> {
    let container = container_status(pod);
    let state = container.and_then(|status| status.state.as_ref());
    if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
        let reason = waiting.reason.as_deref().unwrap_or("Waiting");
        // Every pod starts with these two.
        if matches!(reason, "ContainerCreating" | "PodInitializing") {
            return None;
        }
        let last = container.and_then(|status| status.last_state.as_ref()?.terminated.as_ref());
        let last = last.map(|last| format!(" (exit code {})", last.exit_code)).unwrap_or_default();
        let message = waiting.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
        return Some(format!("{reason}{last}{message}"));
    }
    if let Some(ended) = state.and_then(|state| state.terminated.as_ref()).filter(|ended| ended.exit_code != 0) {
        return Some(format!("exit code {}", ended.exit_code));
    }
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let unscheduled =
        conditions.iter().find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    Some(format!("not scheduled: {}", unscheduled.message.as_deref().unwrap_or("no reason given")))
}

/// The state of the pod's only container.
pub(crate) fn container_status(pod: &Pod) -> Option<&ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.first()
}
