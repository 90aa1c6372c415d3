use super::world::{BROKEN, World};
use crate::{
    api::{ConditionType, Reason},
    decide::{Action, GateKind},
    failures::ErrorClass,
    observed::{Fact, JobFailure, JobState},
};

/// Gates of the steps carried out, each once, in the order they first appeared.
fn gates_in_order(world: &World) -> Vec<GateKind> {
    let mut gates = Vec::new();
    for step in &world.done {
        if !gates.contains(&step.gate) {
            gates.push(step.gate);
        }
    }
    gates
}

#[test]
fn an_installation_goes_through_the_gates_in_order() {
    let world = World::serving();
    use GateKind::*;
    assert_eq!(gates_in_order(&world), [Migrations, Index, Connector, Services, AfterRollout]);
    assert_eq!(world.platform.status.unwrap().version.as_deref(), Some("0.1.0"));
}

#[test]
fn nothing_is_made_before_the_finalizer_is_there() {
    let mut world = World::new();
    world.platform.metadata.finalizers = None;
    let plan = world.decide();
    assert!(matches!(plan.steps.as_slice(), [step] if step.action == Action::AddFinalizer));
}

#[test]
fn at_rest_only_unchanged_objects_are_applied_and_the_status_stays() {
    let mut world = World::serving();
    let status = world.platform.status.clone();
    let plan = world.reconcile();
    assert_eq!(Some(plan.status), status);
    assert!(plan.steps.iter().all(|step| matches!(step.action, Action::Apply(_))), "{:#?}", plan.steps);
}

#[test]
fn a_new_generation_is_not_ready_before_anything_is_done() {
    let mut world = World::serving();
    world.platform.spec.services.search.replicas = 5;
    world.change();
    let plan = world.decide();
    let ready = plan.status.condition(ConditionType::Ready).unwrap();
    assert_eq!((ready.status.as_str(), ready.observed_generation), ("False", Some(2)));
    world.settle();
    assert!(world.is_ready());
}

#[test]
fn an_upgrade_prepares_everything_before_the_roll_and_the_rest_after_it() {
    let mut world = World::serving();
    world.done.clear();
    world.set_version("0.2.0");
    world.settle();
    assert!(world.is_ready());
    let order: Vec<String> = world.done.iter().map(|step| step.action.id()).collect();
    let at = |id: &str| {
        order.iter().position(|step| step.starts_with(id)).unwrap_or_else(|| panic!("no {id} in {order:#?}"))
    };
    let rolled = world
        .done
        .iter()
        .position(|step| {
            step.gate == GateKind::Services && step.content == world.done[at("create Job box-office-migrate-")].content
        })
        .unwrap();
    assert!(at("create Job box-office-migrate-") < at("create Job box-office-index-"));
    assert!(at("create Job box-office-index-") < at("set publication"));
    assert!(at("set publication") < rolled);
    assert!(rolled < at("create Job box-office-migrate-after-"));
    assert!(rolled < at("point alias"));
    assert_eq!(world.postgres().migrations.len(), 4);
}

#[test]
fn a_failed_migration_stalls_and_names_file_statement_and_sqlstate_while_the_old_version_serves() {
    let mut world = World::serving();
    world.set_version(BROKEN);
    world.settle();
    assert_eq!(world.condition(ConditionType::Stalled), ("True".into(), "MigrationFailed".into()));
    let message = world.message(ConditionType::MigrationsApplied);
    for part in ["before/0005_limit.sql", "ADD CHECK (pric > 0)", "42703", "does not exist"] {
        assert!(message.contains(part), "{part} is missing in {message}");
    }
    assert_eq!(world.versions(), ["0.1.0".to_owned()].into());
    assert_eq!(world.condition(ConditionType::ServicesAvailable).0, "True");
    assert_eq!(
        world.observed.jobs.iter().filter(|job| matches!(job.state, JobState::Failed(_))).count(),
        1,
        "it was tried again"
    );
}

#[test]
fn setting_the_version_back_or_forward_recovers_from_a_failed_migration() {
    for version in ["0.1.0", "0.3.1"] {
        let mut world = World::serving();
        world.set_version(BROKEN);
        world.settle();
        world.set_version(version);
        world.settle();
        assert!(world.is_ready(), "{version}: {}", world.message(ConditionType::Ready));
        assert_eq!(world.versions(), [version.to_owned()].into());
    }
}

#[test]
fn a_deployment_deleted_by_hand_comes_back_even_while_a_migration_is_stalled() {
    let mut world = World::serving();
    world.set_version(BROKEN);
    world.settle();
    world.observed.deployments.clear();
    world.reconcile();
    assert_eq!(world.observed.deployments.len(), 3);
}

#[test]
fn an_unreachable_database_is_retried_after_growing_pauses() {
    let mut world = World::new();
    world.reconcile();
    world.postgres().migrations.clear();
    for attempt in 1..=4_u32 {
        let now = world.now;
        let job = world.observed.jobs.iter_mut().find(|job| job.attempt == attempt).unwrap();
        job.state = JobState::Failed(JobFailure { exit_code: Some(3), message: None, at: now });
        let plan = world.decide();
        let repeats = plan.steps.iter().any(|step| matches!(step.action, Action::CreateJob(_)));
        assert!(!repeats, "attempt {attempt} is repeated at once");
        assert_eq!(plan.next_look.as_secs(), 1 << attempt);
        world.now += plan.next_look;
        world.reconcile();
        world.postgres().migrations.clear();
    }
    assert_eq!(world.observed.jobs.iter().map(|job| job.attempt).max(), Some(5));
}

#[test]
fn a_database_that_was_reset_is_migrated_again() {
    let mut world = World::serving();
    *world.postgres() = crate::observed::PostgresView::default();
    world.settle();
    assert!(world.is_ready());
    assert_eq!(world.postgres().migrations.len(), 2);
}

#[test]
fn an_index_that_was_deleted_is_filled_again() {
    let mut world = World::serving();
    *world.elasticsearch() = crate::observed::ElasticsearchView::default();
    world.settle();
    assert!(world.is_ready());
    assert_eq!(world.elasticsearch().indexes.len(), 1);
}

#[test]
fn a_hotfix_rolls_while_elasticsearch_and_connect_are_down() {
    let mut world = World::serving();
    world.observed.elasticsearch = Fact::Unknown("refused".into());
    world.observed.connect = Fact::Unknown("refused".into());
    world.set_version("0.1.1");
    world.settle();
    assert_eq!(world.versions(), ["0.1.1".to_owned()].into());
    assert_eq!(world.condition(ConditionType::IndexReady), ("Unknown".into(), "ElasticsearchUnreachable".into()));
    assert!(!world.is_ready(), "what cannot be seen must not be called ready");
}

#[test]
fn a_release_with_another_index_waits_while_elasticsearch_is_down() {
    let mut world = World::serving();
    world.observed.elasticsearch = Fact::Unknown("refused".into());
    world.set_version("0.2.0");
    world.settle();
    assert_eq!(world.versions(), ["0.1.0".to_owned()].into());
}

#[test]
fn a_lost_status_costs_a_look_and_nothing_else() {
    let mut world = World::serving();
    world.platform.status = None;
    world.done.clear();
    world.settle();
    assert!(world.is_ready());
    assert!(world.done.iter().all(|step| matches!(step.action, Action::Apply(_))), "{:#?}", world.done);
}

#[test]
fn a_connector_changed_by_hand_is_put_right() {
    let mut world = World::serving();
    let connector = world.connect().connector.as_mut().unwrap();
    connector.config.insert("poll.interval.ms".into(), "500".into());
    world.settle();
    assert!(world.is_ready());
    assert_eq!(world.connect().connector.as_ref().unwrap().config["poll.interval.ms"], "50");
}

#[test]
fn a_failed_task_is_restarted_after_pauses_and_asks_for_help_when_that_does_not_do() {
    let mut world = World::serving();
    let mut restarts = 0;
    for _ in 0..120 {
        let connector = world.connect().connector.as_mut().unwrap();
        connector.tasks[0].state = "FAILED".into();
        connector.tasks[0].trace = Some("outer\nCaused by: java.net.ConnectException: refused\n".into());
        let plan = world.reconcile();
        restarts += plan.steps.iter().filter(|step| step.action == Action::RestartConnector).count();
    }
    assert!((5..=8).contains(&restarts), "{restarts} restarts in two minutes");
    assert_eq!(world.condition(ConditionType::Stalled), ("True".into(), "ConnectorFailed".into()));
    assert!(world.message(ConditionType::ConnectorReady).contains("java.net.ConnectException: refused"));
    for _ in 0..2 {
        world.now += k8s_openapi::jiff::SignedDuration::from_mins(5);
        world.settle();
    }
    assert!(world.is_ready());
    assert_eq!(world.platform.status.unwrap().connector.restarts, 0, "it has recovered");
}

#[test]
fn a_missing_secret_is_named() {
    let mut world = World::new();
    world.observed.secrets.insert("m".into(), Fact::Unknown("not found".into()));
    world.reconcile();
    assert_eq!(world.condition(ConditionType::Ready).1, Reason::SecretNotFound.as_str());
    assert!(world.message(ConditionType::Ready).contains("tickets/m: not found"));
}

#[test]
fn a_paused_platform_is_left_alone() {
    let mut world = World::serving();
    world.platform.spec.paused = true;
    world.set_version("0.2.0");
    world.observed.deployments.clear();
    assert!(world.decide().steps.is_empty());
    world.reconcile();
    assert_eq!(world.condition(ConditionType::Ready).1, "Paused");
    assert_eq!(world.condition(ConditionType::MigrationsApplied).0, "True", "what was true stays");
}

#[test]
fn a_platform_that_would_collide_is_refused() {
    let mut world = World::new();
    world.observed.collisions = vec!["TicketPlatform other/box-office already uses slot tickets.".into()];
    assert!(world.reconcile().steps.is_empty());
    assert_eq!(world.condition(ConditionType::Stalled), ("True".into(), "NameCollision".into()));
}

#[test]
fn a_connector_is_paused_and_resumed_as_the_resource_says() {
    use crate::api::ConnectorState::{Paused, Running};
    let mut world = World::serving();
    for (wanted, state) in [(Paused, "PAUSED"), (Running, "RUNNING")] {
        world.platform.spec.connect.connector.state = wanted;
        world.change();
        world.settle();
        assert_eq!(world.connect().connector.as_ref().unwrap().state, state);
        assert!(world.is_ready());
    }
}

#[test]
fn a_budget_exists_exactly_while_there_is_more_than_one_pod() {
    let mut world = World::serving();
    assert_eq!(world.observed.disruption_budgets.len(), 3);
    for replicas in [1, 2] {
        world.platform.spec.services.booking.workload.replicas = replicas;
        world.change();
        world.settle();
        let has_budget = world.observed.disruption_budgets.contains(&crate::component::Component::Booking);
        assert_eq!(has_budget, replicas > 1);
    }
}

#[test]
fn an_alias_that_does_not_move_shows() {
    let mut world = World::serving();
    world.elasticsearch().alias.clear();
    world.fail("point alias", ErrorClass::Invalid, "an index has this name");
    world.reconcile();
    assert!(!world.is_ready());
    assert_eq!(world.condition(ConditionType::ServicesAvailable).1, "StepFailed");
    assert!(world.message(ConditionType::Ready).contains("an index has this name"));
}
