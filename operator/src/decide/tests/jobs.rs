use super::world::{BROKEN, World};
use crate::{
    decide::Action,
    observed::{JobFailure, JobKind, JobState},
};

fn names(world: &World, kind: JobKind) -> Vec<String> {
    world.observed.jobs.iter().filter(|job| job.kind == kind).map(|job| job.name.clone()).collect()
}

#[test]
fn a_job_that_waits_for_its_image_goes_when_its_release_is_given_up() {
    let mut world = World::serving();
    world.set_version(BROKEN);
    world.reconcile();
    let job = world.observed.jobs.last_mut().unwrap();
    let name = job.name.clone();
    job.state = JobState::Pending(Some("ImagePullBackOff".into()));
    world.reconcile();
    assert!(names(&world, JobKind::MigrateBefore).contains(&name), "its own release waits for it");
    world.set_version("0.1.0");
    world.settle();
    assert!(!names(&world, JobKind::MigrateBefore).contains(&name));
    assert!(world.is_ready());
}

#[test]
fn old_attempts_go_while_their_gate_is_blocked() {
    let mut world = World::new();
    for _ in 0..200 {
        world.reconcile();
        world.postgres().migrations.clear();
        let now = world.now;
        for job in world.observed.jobs.iter_mut().filter(|job| job.state.finished_at().is_none_or(|at| at == now)) {
            job.state = JobState::Failed(JobFailure { exit_code: Some(3), message: None, at: now });
        }
    }
    let latest = world.observed.jobs.iter().map(|job| job.attempt).max().unwrap();
    assert!(latest > 3, "{latest} attempts");
    assert_eq!(world.observed.jobs.len(), 2);
}

#[test]
fn the_job_of_a_gate_that_is_being_passed_stays() {
    let mut world = World::serving();
    world.set_version("0.2.0");
    for _ in 0..3 {
        world.reconcile();
        world.elasticsearch().indexes.retain(|index, _| index.ends_with("aaaaaaaaaaaa"));
        for job in world.observed.jobs.iter_mut().filter(|job| job.kind == JobKind::PrepareIndex) {
            job.state = JobState::Pending(None);
        }
    }
    let deletes_latest = world.decide().steps.iter().any(|step| match &step.action {
        Action::DeleteJob(name) => *name == world.observed.jobs.last().unwrap().name,
        _ => false,
    });
    assert!(!deletes_latest);
}
