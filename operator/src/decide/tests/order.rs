//! The property all ordering rests on: no step of a gate appears in a plan before the gates ahead of it were passed for
//! the same content. Checked against a world in which anything may happen.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::world::{BROKEN, World, release};
use crate::{
    decide::{Action, GateKind, Plan},
    observed::{ConnectView, ElasticsearchView, Fact, JobKind},
    resources::migrate_job,
};

#[derive(Clone, Debug)]
enum Happening {
    Version(&'static str),
    PostgresAway(bool),
    ConnectAway(bool),
    ElasticsearchAway(bool),
    IndexLost,
    ConnectorLost,
    DatabaseReset,
    TaskFails,
    PodsGetReady(bool),
    DeploymentsLost,
    JobsLost,
    StatusLost,
    Nothing,
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    prop_oneof![
        4 => prop_oneof![Just("0.1.0"), Just("0.1.1"), Just("0.2.0"), Just(BROKEN), Just("0.3.1")].prop_map(Version),
        2 => any::<bool>().prop_map(PostgresAway),
        2 => any::<bool>().prop_map(ConnectAway),
        2 => any::<bool>().prop_map(ElasticsearchAway),
        1 => Just(IndexLost),
        1 => Just(ConnectorLost),
        1 => Just(DatabaseReset),
        1 => Just(TaskFails),
        2 => any::<bool>().prop_map(PodsGetReady),
        1 => Just(DeploymentsLost),
        1 => Just(JobsLost),
        1 => Just(StatusLost),
        8 => Just(Nothing),
    ]
}

/// What has ever been true, by release: the versions for which each gate was passed at some moment.
#[derive(Default)]
struct History {
    migrated: BTreeSet<&'static str>,
    indexed: BTreeSet<&'static str>,
    fed: BTreeSet<&'static str>,
}

const VERSIONS: [&str; 5] = ["0.1.0", "0.1.1", "0.2.0", BROKEN, "0.3.1"];

/// What the stores hold, whether they can be reached or not.
#[derive(Clone, Default)]
struct StoreContents {
    postgres: crate::observed::PostgresView,
    connect: ConnectView,
    elasticsearch: ElasticsearchView,
}

impl History {
    fn look(&mut self, stores: &StoreContents) {
        for version in VERSIONS {
            let release = release(version);
            if version != BROKEN && release.migrations.before.is_applied_in(&stores.postgres.migrations) {
                self.migrated.insert(version);
            }
            if stores.elasticsearch.indexes.contains_key(&format!("events-{}", release.index.hash)) {
                self.indexed.insert(version);
            }
            let feeds = stores.connect.connector.as_ref().is_some_and(|connector| {
                connector.config["table.include.list"] == release.feed.tables.join(",")
                    && connector.tasks.iter().any(|task| task.state == "RUNNING")
            });
            if feeds {
                self.fed.insert(version);
            }
        }
    }

    fn check(&self, world: &World, plan: &Plan) -> Result<(), TestCaseError> {
        for step in &plan.steps {
            if matches!(step.action, Action::DeleteJob(_)) {
                continue;
            }
            let version = VERSIONS.into_iter().find(|version| key(world, version) == step.content);
            let version = version.ok_or_else(|| TestCaseError::fail(format!("content of no release: {step:?}")))?;
            let what = format!("{} for {version}", step.action.id());
            if step.gate > GateKind::Migrations {
                prop_assert!(self.migrated.contains(version), "{what} before its migrations");
            }
            if step.gate > GateKind::Index {
                prop_assert!(self.indexed.contains(version), "{what} before its index");
            }
            if step.gate > GateKind::Connector {
                prop_assert!(self.fed.contains(version), "{what} before its change feed");
            }
        }
        Ok(())
    }
}

fn key(world: &World, version: &str) -> String {
    let mut platform = world.platform.clone();
    platform.spec.version = version.to_owned();
    migrate_job::key(&platform, JobKind::MigrateBefore)
}

/// Lets something happen to the world, or to what can be seen of it.
fn happen(world: &mut World, stores: &mut StoreContents, away: &mut [bool; 3], what: &Happening) {
    match what {
        Happening::Version(version) => world.set_version(version),
        Happening::PostgresAway(is_away) => away[0] = *is_away,
        Happening::ConnectAway(is_away) => away[1] = *is_away,
        Happening::ElasticsearchAway(is_away) => away[2] = *is_away,
        Happening::IndexLost => stores.elasticsearch = ElasticsearchView::default(),
        Happening::ConnectorLost => stores.connect = ConnectView::default(),
        Happening::DatabaseReset => stores.postgres.migrations.clear(),
        Happening::TaskFails => {
            for task in stores.connect.connector.iter_mut().flat_map(|connector| &mut connector.tasks) {
                task.state = "FAILED".into();
            }
        }
        Happening::PodsGetReady(get_ready) => world.pods_get_ready = *get_ready,
        Happening::DeploymentsLost => world.observed.deployments.clear(),
        Happening::JobsLost => world.observed.jobs.clear(),
        Happening::StatusLost => world.platform.status = None,
        Happening::Nothing => {}
    }
}

fn show<T: Clone>(value: &T, is_away: bool) -> Fact<T> {
    if is_away { Fact::Unknown("away".into()) } else { Fact::Known(value.clone()) }
}

/// One reconcile: what is away is hidden from the decision; a plan that needs it is not carried out.
fn reconcile(world: &mut World, stores: &mut StoreContents, away: [bool; 3]) -> Plan {
    world.observed.postgres = show(&stores.postgres, away[0]);
    world.observed.connect = show(&stores.connect, away[1]);
    world.observed.elasticsearch = show(&stores.elasticsearch, away[2]);
    world.now += k8s_openapi::jiff::SignedDuration::from_secs(1);
    let plan = world.decide();
    if away == [false; 3] {
        world.now -= k8s_openapi::jiff::SignedDuration::from_secs(1);
        world.reconcile();
        stores.postgres = world.postgres().clone();
        stores.connect = world.connect().clone();
        stores.elasticsearch = world.elasticsearch().clone();
    } else {
        world.platform.status = Some(plan.status.clone());
    }
    plan
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_step_of_a_gate_comes_before_the_gates_ahead_are_passed_for_its_content(
        happenings in proptest::collection::vec(happening(), 1..60)
    ) {
        let mut world = World::new();
        let (mut stores, mut away, mut history) = (StoreContents::default(), [false; 3], History::default());
        for what in &happenings {
            happen(&mut world, &mut stores, &mut away, what);
            history.look(&stores);
            let before = world.platform.clone();
            let plan = reconcile(&mut world, &mut stores, away);
            world.platform.spec = before.spec;
            history.check(&world, &plan)?;
            history.look(&stores);
        }
    }

    #[test]
    fn whatever_happened_a_sound_release_is_reached_once_the_stores_are_back(
        happenings in proptest::collection::vec(happening(), 1..40)
    ) {
        let mut world = World::new();
        let (mut stores, mut away) = (StoreContents::default(), [false; 3]);
        for what in &happenings {
            happen(&mut world, &mut stores, &mut away, what);
            reconcile(&mut world, &mut stores, away);
        }
        world.pods_get_ready = true;
        world.observed.deployments.clear();
        world.platform.spec.services.booking.hold_minutes = Some(7);
        world.set_version("0.3.1");
        for _ in 0..40 {
            world.now += k8s_openapi::jiff::SignedDuration::from_mins(5);
            reconcile(&mut world, &mut stores, [false; 3]);
        }
        prop_assert!(world.is_ready(), "{:#?}", world.platform.status);
    }
}
