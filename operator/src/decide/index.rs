//! Gate 2: the release's search index exists and is filled.

use release::{IndexReport, read_report};

use super::{
    Input,
    gate::{ConditionDraft, DRIFT_LOOK, Gate, SOON, StepMaker, UNREACHABLE_LOOK},
    jobs::{self, Progress},
    step::{Action, GateKind},
};
use crate::{
    api::{ConditionType, IndexStatus, Reason},
    observed::{Fact, JobFailure, JobKind, JobState},
    resources::{Target, index_job, job::Attempt},
};

const CONDITION: ConditionType = ConditionType::IndexReady;

/// No failure of `prepare-index` is final: it only reads the database and fills an index that no service uses yet.
const fn is_final(_exit_code: i32) -> bool {
    false
}

/// Decides about the index of a target.
pub(crate) fn decide(input: &Input<'_>, target: &Target) -> (Gate, IndexStatus) {
    let index = target.index();
    let key = index_job::key(target);
    let job = jobs::latest(input, JobKind::PrepareIndex, &key);
    let recorded = input.status.index.passed_for.clone();
    let (gate, passed_for) = match &input.observed.elasticsearch {
        Fact::Known(view) => match view.indexes.get(&index) {
            Some(Some(filled_at)) => {
                let message = format!("Index {index} of {} was filled at {filled_at}.", target.spec.version);
                (Gate::passed(ConditionDraft::yes(CONDITION, Reason::IndexReady, message)), Some(index))
            }
            _ => (run(input, target, &index, &key), None),
        },
        Fact::Unknown(why) => {
            let filled_by_job = job.is_some_and(|job| matches!(job.state, JobState::Succeeded(_)));
            let is_passed = filled_by_job || recorded.as_ref() == Some(&index);
            let draft = ConditionDraft::unknown(CONDITION, Reason::ElasticsearchUnreachable, format!("{why}."));
            let gate = if is_passed {
                Gate { next_look: UNREACHABLE_LOOK, ..Gate::passed(draft) }
            } else {
                Gate::working(draft, Vec::new(), UNREACHABLE_LOOK)
            };
            (gate, recorded)
        }
    };
    (gate, IndexStatus { passed_for, attempt: job.map(|job| job.attempt) })
}

fn run(input: &Input<'_>, target: &Target, index: &str, key: &str) -> Gate {
    let maker = StepMaker { input, gate: GateKind::Index, content: &target.release.job_key };
    let mut steps: Vec<_> = jobs::unfinished_others(input, &[JobKind::PrepareIndex], key)
        .into_iter()
        .map(|other| maker.step(Action::DeleteJob(other.name.clone())))
        .collect();
    match jobs::progress(input, JobKind::PrepareIndex, key, is_final) {
        Progress::Start(number) => {
            if let Some(missing) = input.missing_secret(&target.spec.postgres.service.secret.name, CONDITION) {
                return missing;
            }
            let job = index_job::build(input.platform, target, &Attempt { kind: JobKind::PrepareIndex, key, number });
            let name = job.metadata.name.clone().unwrap_or_default();
            steps.push(maker.step(Action::CreateJob(Box::new(job))));
            let message = format!("Starting Job {name}, which fills index {index}.");
            Gate::working(ConditionDraft::no(CONDITION, Reason::IndexFilling, message), steps, SOON)
        }
        Progress::Underway(message) => {
            let message = format!("{message} to fill index {index}.");
            Gate::working(ConditionDraft::no(CONDITION, Reason::IndexFilling, message), steps, DRIFT_LOOK)
        }
        Progress::Pausing(job, failure, left) => {
            let why = failure.map_or_else(|| "the index that it filled does not exist".to_owned(), explain);
            let message = format!("Job {}: {why}; {}.", job.name, jobs::outlook(input, job, left));
            Gate::working(ConditionDraft::no(CONDITION, Reason::IndexRetrying, message), steps, left)
        }
        Progress::GivenUp(failure) => {
            Gate::stalled(ConditionDraft::no(CONDITION, Reason::IndexRetrying, explain(failure)))
        }
    }
}

fn explain(failure: &JobFailure) -> String {
    match failure.message.as_deref().and_then(read_report) {
        Some(IndexReport::Failed { error }) => error.to_string(),
        Some(IndexReport::Prepared(_)) | None => jobs::failure_text(failure),
    }
}
