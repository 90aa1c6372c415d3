//! Gate 1: the `before` migrations. And the `after` migrations, which follow the rollout.

use release::{JobExit, MigrationReport, MigrationSet, read_report};

use super::{
    Input,
    gate::{ConditionDraft, DRIFT_LOOK, Gate, SOON, StepMaker},
    jobs::{self, Progress},
    step::{Action, GateKind},
};
use crate::{
    api::{ConditionType, MigrationsStatus, Reason, RecordedRelease, TicketPlatformStatus},
    observed::{Fact, JobFailure, JobKind, JobState, JobView},
    resources::{job::Attempt, migrate_job},
};

const CONDITION: ConditionType = ConditionType::MigrationsApplied;

/// Whether a retry cannot help, because a migration failed or the settings are wrong.
fn is_final(exit_code: i32) -> bool {
    JobExit::of_code(exit_code).is_some_and(|exit| !exit.worth_a_retry())
}

/// The result of gate 1.
pub(crate) struct Before {
    pub gate: Gate,
    /// The release's description, once the gate is passed.
    pub release: Option<RecordedRelease>,
    pub status: MigrationsStatus,
}

/// Decides whether the `before` migrations of the resource's version are applied.
pub(crate) fn before(input: &Input<'_>) -> Before {
    let key = migrate_job::key(input.platform, JobKind::MigrateBefore);
    let job = jobs::latest(input, JobKind::MigrateBefore, &key);
    let recorded = &input.status.migrations;
    let status = MigrationsStatus {
        passed_for: recorded.passed_for.clone(),
        attempt: job.map(|job| job.attempt),
        after_applied: with(recorded.after_applied.clone(), after_migrations_in_database(input)),
    };
    let blocked = |gate, status| Before { gate, release: None, status };
    let release = described(input.status, &key).or_else(|| job.and_then(|job| reported(job, &key)));
    let Some(release) = release else { return blocked(run(input, JobKind::MigrateBefore, &key), status) };

    let set = &release.description.migrations.before;
    if let Some(refusal) = refuse_past_after_migration(&status, &release) {
        return blocked(refusal, status);
    }
    if let Some(wait) = wait_for_after_migrations(input) {
        return blocked(wait, status);
    }
    if !is_applied(input, set, status.passed_for.as_ref(), job) {
        let status = MigrationsStatus { passed_for: None, ..status };
        return blocked(run(input, JobKind::MigrateBefore, &key), status);
    }
    let message = format!("{} of {} applied.", count(set), input.platform.spec.version);
    Before {
        gate: Gate::passed(ConditionDraft::yes(CONDITION, Reason::MigrationsApplied, message)),
        status: MigrationsStatus { passed_for: Some(set.hash.clone()), ..status },
        release: Some(release),
    }
}

/// Decides about the `after` migrations of a release whose rollout is complete. There is no gate when all are applied.
pub(crate) fn after(
    input: &Input<'_>,
    status: MigrationsStatus,
    release: &RecordedRelease,
) -> (Option<Gate>, MigrationsStatus) {
    let set = &release.description.migrations.after;
    let key = migrate_job::key(input.platform, JobKind::MigrateAfter);
    let succeeded =
        jobs::latest(input, JobKind::MigrateAfter, &key).is_some_and(|job| matches!(job.state, JobState::Succeeded(_)));
    let applied = match &input.observed.postgres {
        Fact::Known(view) => set.is_applied_in(&view.migrations),
        Fact::Unknown(_) => succeeded,
    };
    if !applied {
        return (Some(run(input, JobKind::MigrateAfter, &key)), status);
    }
    let after_applied = with(status.after_applied, set.versions.iter().copied());
    (None, MigrationsStatus { after_applied, ..status })
}

/// The condition while `after` migrations are still to be applied.
pub(crate) fn after_is_pending(
    input: &Input<'_>,
    status: &MigrationsStatus,
    release: &RecordedRelease,
) -> Option<ConditionDraft> {
    let set = &release.description.migrations.after;
    let is_noted = set.versions.iter().all(|version| status.after_applied.contains(version));
    let is_done = match &input.observed.postgres {
        Fact::Known(view) => set.versions.is_empty() || (is_noted && set.is_applied_in(&view.migrations)),
        Fact::Unknown(_) => is_noted,
    };
    (!is_done).then(|| {
        let message = format!("{} to be applied once no pod of an older release runs.", count(set));
        ConditionDraft::no(CONDITION, Reason::AfterMigrationsPending, message)
    })
}

fn run(input: &Input<'_>, kind: JobKind, key: &str) -> Gate {
    let gate = if kind == JobKind::MigrateAfter { GateKind::AfterRollout } else { GateKind::Migrations };
    let maker = StepMaker { input, gate, content: &input.content() };
    let others = jobs::unfinished_others(input, &[JobKind::MigrateBefore, JobKind::MigrateAfter], key);
    if let Some(other) = others.iter().find(|job| matches!(job.state, JobState::Running)) {
        // Two migrations at once would only queue for the same lock, and ending one in the middle does not help.
        let message = format!("Job {} of another release is still running.", other.name);
        return Gate::working(ConditionDraft::no(CONDITION, Reason::MigrationRunning, message), Vec::new(), DRIFT_LOOK);
    }
    match jobs::progress(input, kind, key, is_final) {
        Progress::Start(number) => {
            if let Some(missing) = input.missing_secret(&input.platform.spec.postgres.migration.secret.name, CONDITION)
            {
                return missing;
            }
            let job = migrate_job::build(input.platform, &Attempt { kind, key, number });
            let message = format!("Starting Job {}.", job.metadata.name.as_deref().unwrap_or_default());
            let steps = vec![maker.step(Action::CreateJob(Box::new(job)))];
            Gate::working(ConditionDraft::no(CONDITION, Reason::MigrationRunning, message), steps, SOON)
        }
        Progress::Underway(message) => Gate::working(
            ConditionDraft::no(CONDITION, Reason::MigrationRunning, format!("{message}.")),
            Vec::new(),
            DRIFT_LOOK,
        ),
        Progress::Pausing(job, failure, left) => {
            let why = failure.map_or_else(|| "what it applied is not in the database".to_owned(), explain);
            let message = format!("Job {}: {why}; {}.", job.name, jobs::outlook(input, job, left));
            Gate::working(ConditionDraft::no(CONDITION, Reason::MigrationRetrying, message), Vec::new(), left)
        }
        Progress::GivenUp(failure) => {
            Gate::stalled(ConditionDraft::no(CONDITION, Reason::MigrationFailed, explain(failure)))
        }
    }
}

/// The release's description in the status, if the Job of this key reported it.
fn described(status: &TicketPlatformStatus, key: &str) -> Option<RecordedRelease> {
    let last_good = status.last_good.as_ref().map(|last_good| &last_good.release);
    status.release.as_ref().into_iter().chain(last_good).find(|release| release.job_key == key).cloned()
}

/// The release's description in the report of a finished Job.
fn reported(job: &JobView, key: &str) -> Option<RecordedRelease> {
    let JobState::Succeeded(success) = &job.state else { return None };
    let description = read_report::<MigrationReport>(success.message.as_deref()?)?.release?;
    Some(RecordedRelease { job_key: key.to_owned(), description })
}

fn is_applied(input: &Input<'_>, set: &MigrationSet, passed_for: Option<&String>, job: Option<&JobView>) -> bool {
    match &input.observed.postgres {
        Fact::Known(view) => set.is_applied_in(&view.migrations),
        Fact::Unknown(_) => {
            passed_for == Some(&set.hash) || job.is_some_and(|job| matches!(job.state, JobState::Succeeded(_)))
        }
    }
}

/// The `after` migrations of the releases that ran here, as far as the database has them. They are recorded as soon as
/// they are seen: their Job may have failed half way, or ended after the resource moved to another version.
fn after_migrations_in_database(input: &Input<'_>) -> Vec<i64> {
    let Fact::Known(view) = &input.observed.postgres else { return Vec::new() };
    let last_good = input.status.last_good.as_ref().map(|last_good| &last_good.release);
    let releases = input.status.release.iter().chain(last_good);
    let known = releases.flat_map(|release| &release.description.migrations.after.versions);
    known.copied().filter(|version| view.migrations.contains_key(version)).collect()
}

/// Adds migrations to a list, which stays sorted and without repetition.
fn with(mut versions: Vec<i64>, more: impl IntoIterator<Item = i64>) -> Vec<i64> {
    versions.extend(more);
    versions.sort_unstable();
    versions.dedup();
    versions
}

/// Waits for the `after` Job of another release. Before it ends, this release may meet a schema that it cannot work
/// with.
fn wait_for_after_migrations(input: &Input<'_>) -> Option<Gate> {
    let key = migrate_job::key(input.platform, JobKind::MigrateAfter);
    let job = jobs::unfinished_others(input, &[JobKind::MigrateAfter], &key).into_iter().next()?;
    let message = format!("Job {} of another release has not ended.", job.name);
    Some(Gate::working(ConditionDraft::no(CONDITION, Reason::MigrationRunning, message), Vec::new(), SOON))
}

/// Refuses to go back past an `after` migration: the release could not work with the schema.
fn refuse_past_after_migration(status: &MigrationsStatus, release: &RecordedRelease) -> Option<Gate> {
    let known = &release.description.migrations;
    let unknown: Vec<String> = status
        .after_applied
        .iter()
        .filter(|version| !known.after.versions.contains(version) && !known.before.versions.contains(version))
        .map(i64::to_string)
        .collect();
    (!unknown.is_empty()).then(|| {
        let message = format!(
            "Release {} does not know migration {}, which was applied after the roll of a later release.",
            release.description.version,
            unknown.join(", ")
        );
        Gate::stalled(ConditionDraft::no(CONDITION, Reason::DowngradeRefused, message))
    })
}

fn explain(failure: &JobFailure) -> String {
    let error = failure.message.as_deref().and_then(read_report).and_then(|report: MigrationReport| report.error);
    error.map_or_else(|| jobs::failure_text(failure), |error| error.to_string())
}

fn count(set: &MigrationSet) -> String {
    match set.versions.as_slice() {
        [] => "No migrations".to_owned(),
        [only] => format!("Migration {only}"),
        [first, .., last] => format!("{} migrations ({first} to {last})", set.versions.len()),
    }
}
