use k8s_openapi::jiff::SignedDuration;

use super::world::World;
use crate::{api::LeftBehind, decide::Action, observed::Fact};

fn ids(world: &World) -> Vec<String> {
    world.done.iter().map(|step| step.action.id()).collect()
}

#[test]
fn deleting_removes_connector_offsets_slot_and_publication_in_that_order_and_keeps_index_and_data() {
    let mut world = World::serving();
    world.done.clear();
    world.delete();
    world.settle();
    let mut removed = ids(&world);
    removed.retain(|id| !id.contains("Deployment"));
    let wanted =
        ["stop connector", "delete offsets", "delete connector", "drop slot", "drop publication", "remove finalizer"];
    assert_eq!(removed, wanted);
    assert_eq!(world.elasticsearch().indexes.len(), 1);
    assert_eq!(world.postgres().migrations.len(), 2);
    assert!(world.observed.deployments.is_empty());
}

#[test]
fn what_is_gone_already_is_skipped() {
    let mut world = World::serving();
    *world.connect() = crate::observed::ConnectView::default();
    world.postgres().slot = None;
    world.postgres().publication = None;
    world.done.clear();
    world.delete();
    world.settle();
    assert!(ids(&world).iter().all(|id| id.contains("Deployment") || id == "remove finalizer"), "{:?}", ids(&world));
}

#[test]
fn a_slot_that_is_still_read_is_waited_for() {
    let mut world = World::serving();
    world.delete();
    for _ in 0..5 {
        world.reconcile();
        world.postgres().slot = Some(crate::observed::SlotView { is_active: true });
    }
    assert!(!ids(&world).contains(&"drop slot".to_owned()));
    assert!(world.platform.metadata.finalizers.is_some());
}

#[test]
fn what_cannot_be_reached_is_left_behind_by_name_after_the_deadline() {
    let mut world = World::serving();
    world.observed.connect = Fact::Unknown("connection refused".into());
    world.delete();
    world.reconcile();
    assert!(world.platform.metadata.finalizers.is_some(), "it waits first");
    world.now += SignedDuration::from_secs(21);
    world.postgres().slot = Some(crate::observed::SlotView { is_active: false });
    assert!(
        world.reconcile().steps.iter().any(|step| step.action == Action::DropSlot),
        "a slot nobody reads must not stay"
    );
    let plan = world.reconcile();
    let left = plan.steps.iter().find_map(|step| match &step.action {
        Action::RemoveFinalizer(left) => Some(left.clone()),
        _ => None,
    });
    assert_eq!(left.unwrap(), ["connector tickets (connection refused)"]);
}

#[test]
fn a_connector_that_does_not_stop_holds_the_resource_for_less_than_half_a_minute() {
    let mut world = World::serving();
    world.delete();
    for _ in 0..27 {
        world.reconcile();
        world.connect().connector.as_mut().unwrap().state = "RUNNING".into();
    }
    assert!(world.platform.metadata.finalizers.is_none());
}

#[test]
fn policies_decide_what_stays() {
    let mut world = World::serving();
    world.platform.spec.deletion_policy.connector = LeftBehind::Retain;
    world.platform.spec.deletion_policy.index = LeftBehind::Delete;
    world.delete();
    world.settle();
    assert!(world.connect().connector.is_some());
    assert!(world.elasticsearch().indexes.is_empty());
}

#[test]
fn a_paused_platform_can_be_deleted() {
    let mut world = World::serving();
    world.platform.spec.paused = true;
    world.delete();
    world.settle();
    assert!(world.platform.metadata.finalizers.is_none());
}

#[test]
fn deleting_a_refused_platform_leaves_the_older_ones_things_alone() {
    let mut world = World::serving();
    world.observed.collisions = vec!["TicketPlatform tickets/box-office already uses connector tickets.".into()];
    world.observed.deployments.clear();
    world.platform.spec.deletion_policy.index = LeftBehind::Delete;
    world.done.clear();
    world.delete();
    world.settle();
    assert_eq!(ids(&world), ["remove finalizer"]);
}

#[test]
fn a_deletion_that_was_seen_late_still_removes_everything() {
    let mut world = World::serving();
    world.done.clear();
    world.delete();
    world.now += SignedDuration::from_mins(10);
    world.settle();
    let done = ids(&world);
    assert_eq!(done.last().map(String::as_str), Some("remove finalizer"));
    assert!(done.contains(&"drop slot".to_owned()), "{done:?}");
    assert!(world.connect().connector.is_none());
}
