use super::world::World;
use crate::{
    api::ConditionType,
    observed::{JobKind, JobState},
};

#[test]
fn a_revision_that_does_not_get_ready_goes_back_to_the_last_good_one() {
    let mut world = World::serving();
    world.pods_get_ready = false;
    world.platform.spec.services.booking.workload.env.insert("SERVER_MODE".into(), "nonsense".into());
    world.set_version("0.1.1");
    world.reconcile();
    world.reconcile();
    assert_eq!(world.versions(), ["0.1.1".to_owned()].into(), "it was tried");
    world.pods_get_ready = true;
    world.settle();
    assert_eq!(world.versions(), ["0.1.0".to_owned()].into());
    assert_eq!(world.condition(ConditionType::Stalled), ("True".into(), "RolloutFailed".into()));
    assert!(world.message(ConditionType::Stalled).contains("CrashLoopBackOff"));
    assert_eq!(world.condition(ConditionType::ServicesAvailable).0, "True", "the old version serves");
    assert!(!world.is_ready());
}

#[test]
fn a_failed_revision_is_tried_again_only_when_inputs_change() {
    let mut world = World::serving();
    world.pods_get_ready = false;
    world.set_version("0.1.1");
    world.reconcile();
    world.reconcile();
    world.pods_get_ready = true;
    world.settle();
    world.change();
    world.settle();
    assert_eq!(
        world.versions(),
        ["0.1.0".to_owned()].into(),
        "a change that leaves the pods as they are is no new input"
    );
    world.platform.spec.services.booking.hold_minutes = Some(10);
    world.change();
    world.settle();
    assert_eq!(world.versions(), ["0.1.1".to_owned()].into());
    assert!(world.is_ready());
}

#[test]
fn without_an_earlier_revision_the_failed_one_is_kept_and_recovers() {
    let mut world = World::new();
    world.pods_get_ready = false;
    world.platform.spec.version = "0.2.0".into();
    world.settle();
    assert_eq!(world.condition(ConditionType::Stalled), ("True".into(), "RolloutFailed".into()));
    for deployment in world.observed.deployments.values_mut() {
        deployment.available = deployment.desired;
        deployment.deadline_exceeded = false;
    }
    world.pods_get_ready = true;
    world.settle();
    assert!(world.is_ready());
}

#[test]
fn going_back_past_an_after_migration_is_refused() {
    let mut world = World::serving();
    world.set_version("0.2.0");
    world.settle();
    world.set_version("0.1.0");
    world.settle();
    assert_eq!(world.condition(ConditionType::Stalled), ("True".into(), "DowngradeRefused".into()));
    assert_eq!(world.versions(), ["0.2.0".to_owned()].into());
    world.set_version("0.2.0");
    world.settle();
    assert!(world.is_ready());
}

#[test]
fn after_migrations_wait_for_the_last_pod_of_an_older_release() {
    let mut world = World::serving();
    let mut old = world.observed.pods[0].clone();
    old.name = "old".into();
    world.set_version("0.2.0");
    for _ in 0..20 {
        world.reconcile();
        world.observed.pods.retain(|pod| pod.name != "old");
        world.observed.pods.push(old.clone());
    }
    assert_eq!(world.postgres().migrations.len(), 3);
    assert_eq!(world.condition(ConditionType::MigrationsApplied), ("False".into(), "AfterMigrationsPending".into()));
    world.observed.pods.retain(|pod| pod.name != "old");
    world.settle();
    assert_eq!(world.postgres().migrations.len(), 4);
    assert!(world.is_ready());
}

#[test]
fn scaling_works_while_a_rollout_is_blocked() {
    let mut world = World::serving();
    world.set_version(super::world::BROKEN);
    world.settle();
    world.platform.spec.services.search.replicas = 7;
    world.change();
    world.settle();
    assert_eq!(world.observed.deployments[&crate::component::Component::Search].desired, 7);
}

#[test]
fn going_back_past_one_of_several_after_migrations_is_refused() {
    let mut world = World::serving();
    world.set_version("0.2.0");
    world.settle();
    // The Job applied this one and failed at the next, so the whole set was never seen applied.
    world.platform.status.as_mut().unwrap().migrations.after_applied.clear();
    world.set_version("0.1.0");
    world.settle();
    assert_eq!(world.condition(ConditionType::Stalled), ("True".into(), "DowngradeRefused".into()));
    assert_eq!(world.versions(), ["0.2.0".to_owned()].into());
}

#[test]
fn going_back_while_an_after_migration_runs_waits_for_its_end() {
    let mut world = World::serving();
    world.set_version("0.2.0");
    world.settle();
    world.platform.status.as_mut().unwrap().migrations.after_applied.clear();
    let row = world.postgres().migrations.remove(&4).unwrap();
    let job = world.observed.jobs.iter_mut().find(|job| job.kind == JobKind::MigrateAfter).unwrap();
    let success = std::mem::replace(&mut job.state, JobState::Running);
    world.set_version("0.1.0");
    world.settle();
    assert_eq!(world.versions(), ["0.2.0".to_owned()].into());
    assert_eq!(world.condition(ConditionType::MigrationsApplied), ("False".into(), "MigrationRunning".into()));
    world.postgres().migrations.insert(4, row);
    world.observed.jobs.iter_mut().find(|job| job.kind == JobKind::MigrateAfter).unwrap().state = success;
    world.settle();
    assert_eq!(world.condition(ConditionType::Stalled), ("True".into(), "DowngradeRefused".into()));
}
