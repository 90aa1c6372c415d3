//! Reads Jobs, and how far their pods are.

use k8s_openapi::{
    api::{
        batch::v1::Job,
        core::v1::{ContainerStateTerminated, Pod},
    },
    jiff::Timestamp,
};

use super::pods;
use crate::{
    names,
    observed::{JobFailure, JobKind, JobState, JobSuccess, JobView},
};

/// A view of a Job; `None` for a Job that the operator did not make.
pub(crate) fn view(job: &Job, pods: &[impl AsRef<Pod>], now: Timestamp) -> Option<JobView> {
    let labels = job.metadata.labels.as_ref()?;
    let kind = labels.get(names::JOB_KIND)?;
    let name = job.metadata.name.clone()?;
    let pod = pods.iter().map(AsRef::as_ref).find(|pod| belongs_to(pod, &name));
    let generation = job.metadata.annotations.as_ref().and_then(|annotations| annotations.get(names::GENERATION));
    Some(JobView {
        kind: JobKind::ALL.into_iter().find(|known| known.as_str() == kind)?,
        key: labels.get(names::JOB_KEY)?.clone(),
        attempt: labels.get(names::JOB_ATTEMPT)?.parse().ok()?,
        generation: generation.and_then(|generation| generation.parse().ok()).unwrap_or_default(),
        state: state(job, pod, now),
        name,
    })
}

fn belongs_to(pod: &Pod, job: &str) -> bool {
    pod.metadata.labels.as_ref().and_then(|labels| labels.get(names::JOB_NAME)).is_some_and(|name| name == job)
}

/// The Job's own conditions say whether it ended, and the pod says how. A pod that ended before the Job's controller
/// saw it counts as running, so that the message and the Job's state always belong together.
fn state(job: &Job, pod: Option<&Pod>, now: Timestamp) -> JobState {
    let ended = |kind: &str| {
        let mut conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let found = conditions.find(|condition| condition.type_ == kind && condition.status == "True")?;
        Some(found.last_transition_time.as_ref().map_or(now, |time| time.0))
    };
    let terminated = pod.and_then(termination);
    let message = || terminated.as_ref().and_then(|end| end.message.clone());
    if let Some(at) = ended("Complete") {
        return JobState::Succeeded(JobSuccess { message: message(), at });
    }
    if let Some(at) = ended("Failed") {
        return JobState::Failed(JobFailure {
            exit_code: terminated.as_ref().map(|end| end.exit_code),
            message: message(),
            at,
        });
    }
    let has_started = terminated.is_some()
        || pod.is_some_and(|pod| {
            pods::container_status(pod)
                .is_some_and(|status| status.state.as_ref().is_some_and(|state| state.running.is_some()))
        });
    if has_started { JobState::Running } else { JobState::Pending(pod.and_then(pods::trouble)) }
}

fn termination(pod: &Pod) -> Option<ContainerStateTerminated> {
    pods::container_status(pod)?.state.as_ref()?.terminated.clone()
}
