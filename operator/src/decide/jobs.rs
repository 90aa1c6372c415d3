//! How far a Job is, and what to do with it. The gates that have a Job share this.

use k8s_openapi::jiff::SignedDuration;

use super::{
    Input,
    gate::{StepMaker, clock},
    step::{Action, Step},
};
use crate::{
    failures::pause,
    observed::{JobFailure, JobKind, JobState, JobView},
};

/// What to do with a Job whose gate is not passed.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    /// This attempt is to be made now.
    Start(u32),
    /// It is waiting or running, in these words.
    Underway(String),
    /// It failed, or what it made is not there. The next attempt is made after this pause.
    Pausing(&'a JobView, Option<&'a JobFailure>, SignedDuration),
    /// It failed, and only a change of the resource can help.
    GivenUp(&'a JobFailure),
}

/// How long a failed Job of another release is kept for people to look at.
const FAILED_JOB_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// The latest attempt of a Job.
pub(crate) fn latest<'a>(input: &Input<'a>, kind: JobKind, key: &str) -> Option<&'a JobView> {
    input.observed.jobs.iter().filter(|job| job.kind == kind && job.key == key).max_by_key(|job| job.attempt)
}

/// How far the latest attempt is. `is_final` says for which exit codes a retry cannot help.
pub(crate) fn progress<'a>(input: &Input<'a>, kind: JobKind, key: &str, is_final: fn(i32) -> bool) -> Progress<'a> {
    let Some(job) = latest(input, kind, key) else { return Progress::Start(1) };
    let next = |failure| {
        let finished = job.state.finished_at().unwrap_or(input.now);
        let left = (finished + pause(job.attempt)).duration_since(input.now);
        if left.is_positive() { Progress::Pausing(job, failure, left) } else { Progress::Start(job.attempt + 1) }
    };
    match &job.state {
        JobState::Pending(None) => Progress::Underway(format!("Job {} is starting", job.name)),
        JobState::Pending(Some(why)) => Progress::Underway(format!("Job {} cannot start: {why}", job.name)),
        JobState::Running => Progress::Underway(format!("Job {} is running", job.name)),
        // The gate is not passed although the Job succeeded: its message is lost, or the store lost what it made.
        JobState::Succeeded(_) => next(None),
        JobState::Failed(failure) if failure.exit_code.is_some_and(is_final) => {
            if job.generation == input.generation() {
                Progress::GivenUp(failure)
            } else {
                Progress::Start(job.attempt + 1)
            }
        }
        JobState::Failed(failure) => next(Some(failure)),
    }
}

/// The unfinished Jobs of these kinds for other releases.
pub(crate) fn unfinished_others<'a>(input: &Input<'a>, kinds: &[JobKind], key: &str) -> Vec<&'a JobView> {
    let jobs = input.observed.jobs.iter();
    jobs.filter(|job| kinds.contains(&job.kind) && job.key != key && !job.state.is_finished()).collect()
}

/// Steps that remove obsolete Jobs. The last two attempts of the Jobs with these keys are kept. Of the other Jobs,
/// those that run are kept, and those that failed are kept for an hour.
pub(crate) fn sweep(input: &Input<'_>, keys: &[(JobKind, String)], maker: &StepMaker<'_>) -> Vec<Step> {
    let jobs = input.observed.jobs.iter();
    jobs.filter(|job| is_obsolete(input, job, keys))
        .map(|job| maker.step(Action::DeleteJob(job.name.clone())))
        .collect()
}

fn is_obsolete(input: &Input<'_>, job: &JobView, keys: &[(JobKind, String)]) -> bool {
    if keys.iter().any(|(kind, key)| *kind == job.kind && *key == job.key) {
        return latest(input, job.kind, &job.key).is_some_and(|latest| job.attempt + 1 < latest.attempt);
    }
    match &job.state {
        JobState::Succeeded(_) => true,
        JobState::Failed(failure) => input.now.duration_since(failure.at) > FAILED_JOB_KEPT,
        // No gate waits for it, and it would start when its image appears.
        JobState::Pending(_) => true,
        JobState::Running => false,
    }
}

/// Describes a failure when the program left no report.
pub(crate) fn failure_text(failure: &JobFailure) -> String {
    let how = match failure.exit_code {
        Some(code) => format!("exit code {code}"),
        None => "its pod was lost".to_owned(),
    };
    match failure.message.as_deref().map(str::trim).filter(|message| !message.is_empty()) {
        Some(message) => format!("{how}: {message}"),
        None => how,
    }
}

/// The end of a message about a Job that is tried again.
pub(crate) fn outlook(input: &Input<'_>, job: &JobView, left: SignedDuration) -> String {
    format!("attempt {} at {}", job.attempt + 1, clock(input.now + left))
}
