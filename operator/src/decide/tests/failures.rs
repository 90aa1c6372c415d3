use k8s_openapi::jiff::SignedDuration;

use super::world::World;
use crate::{
    api::ConditionType,
    decide::Action,
    failures::ErrorClass,
    observed::{Fact, SecretView},
};

/// A platform whose connector Connect has just refused.
fn given_refused_connector() -> World {
    let mut world = World::new();
    for _ in 0..2 {
        world.reconcile();
    }
    world.fail("configure connector", ErrorClass::Invalid, "wal_level must be logical");
    world.reconcile();
    world
}

fn configures_connector(world: &World) -> bool {
    world.decide().steps.iter().any(|step| matches!(step.action, Action::ConfigureConnector(_)))
}

#[test]
fn a_refused_connector_stalls_and_is_tried_again_after_the_longest_pause() {
    let mut world = given_refused_connector();
    for _ in 0..100 {
        world.reconcile();
    }
    assert_eq!(world.condition(ConditionType::Stalled), ("True".into(), "ConnectorInvalid".into()));
    assert!(world.observed.deployments.is_empty());
    assert!(!configures_connector(&world));
    world.now += SignedDuration::from_mins(5);
    assert!(configures_connector(&world));
}

#[test]
fn a_refused_connector_is_tried_again_at_once_when_the_resource_or_a_secret_changes() {
    let mends: [fn(&mut World); 2] = [World::change, |world| {
        let view = SecretView { stamp: "another password".into(), username: Some("user_f".into()) };
        world.observed.secrets.insert("f".into(), Fact::Known(view));
    }];
    for mend in mends {
        let mut world = given_refused_connector();
        assert!(!configures_connector(&world));
        mend(&mut world);
        assert!(configures_connector(&world));
    }
}
