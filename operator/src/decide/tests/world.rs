//! A world of plain values in which plans are carried out at once: Jobs succeed, connectors run, pods get ready, unless
//! a test says otherwise.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    api::{apps::v1::Deployment, batch::v1::Job},
    apimachinery::pkg::apis::meta::v1::Time,
    jiff::{SignedDuration, Timestamp},
};
use release::{Feed, IndexDefinition, MigrationSet, MigrationSets, Release};
use serde_json::json;

use crate::{
    api::{ConditionType, FINALIZER, TicketPlatform},
    component::Component,
    decide::{Action, Kind, Object, Plan, Step, decide},
    failures::{ErrorClass, Failure},
    names,
    observed::*,
};

/// Version whose migration fails.
pub(crate) const BROKEN: &str = "0.3.0";

pub(crate) struct World {
    pub platform: TicketPlatform,
    pub observed: Observed,
    pub now: Timestamp,
    /// Whether pods get ready.
    pub pods_get_ready: bool,
    /// What was carried out, in order.
    pub done: Vec<Step>,
}

impl World {
    /// A platform at 0.1.0, its stores reachable and empty.
    pub(crate) fn new() -> Self {
        let platform = serde_json::from_value(json!({
            "apiVersion": "ticketplatform.dev/v1alpha1",
            "kind": "TicketPlatform",
            "metadata": {"name": "box-office", "namespace": "tickets", "uid": "u1", "generation": 1, "finalizers": [FINALIZER]},
            "spec": {
                "version": "0.1.0",
                "postgres": {
                    "host": "postgres", "database": "tickets",
                    "service": {"secret": {"name": "s"}}, "migration": {"secret": {"name": "m"}}, "changeFeed": {"secret": {"name": "f"}},
                },
                "redis": {"address": "redis:6379"},
                "kafka": {"bootstrapServers": "kafka:9092"},
                "connect": {"url": "http://connect:8083"},
                "elasticsearch": {"url": "http://elasticsearch:9200"},
                "services": {"booking": {"payments": {"free": {}}}},
            },
        }));
        let secret = |name: &str| {
            let view = SecretView { stamp: name.to_owned(), username: Some(format!("user_{name}")) };
            (name.to_owned(), Fact::Known(view))
        };
        Self {
            platform: platform.unwrap(),
            observed: Observed {
                jobs: Vec::new(),
                deployments: BTreeMap::new(),
                pods: Vec::new(),
                config_maps: BTreeMap::new(),
                disruption_budgets: BTreeSet::new(),
                secrets: [secret("s"), secret("m"), secret("f")].into(),
                postgres: Fact::Known(PostgresView::default()),
                connect: Fact::Known(ConnectView::default()),
                elasticsearch: Fact::Known(ElasticsearchView::default()),
                collisions: Vec::new(),
                failures: BTreeMap::new(),
            },
            now: "2026-11-23T12:00:00Z".parse().unwrap(),
            pods_get_ready: true,
            done: Vec::new(),
        }
    }

    /// A platform whose release 0.1.0 serves.
    pub(crate) fn serving() -> Self {
        let mut world = Self::new();
        world.settle();
        assert!(world.is_ready(), "{:#?}", world.platform.status);
        world
    }

    pub(crate) fn decide(&self) -> Plan {
        decide(&self.platform, &self.observed, self.now)
    }

    /// Decides, writes the status and carries the plan out, a second later.
    pub(crate) fn reconcile(&mut self) -> Plan {
        self.now += SignedDuration::from_secs(1);
        let plan = self.decide();
        self.platform.status = Some(plan.status.clone());
        for step in &plan.steps {
            self.carry_out(step);
        }
        plan
    }

    /// Reconciles until nothing but unchanged objects is applied, at most 60 times.
    pub(crate) fn settle(&mut self) {
        for _ in 0..60 {
            let before = (self.platform.status.clone(), self.observed.clone());
            self.reconcile();
            if before.0 == self.platform.status && format!("{:?}", before.1) == format!("{:?}", self.observed) {
                return;
            }
        }
    }

    pub(crate) fn set_version(&mut self, version: &str) {
        self.platform.spec.version = version.to_owned();
        self.change();
    }

    /// The resource was changed.
    pub(crate) fn change(&mut self) {
        *self.platform.metadata.generation.as_mut().unwrap() += 1;
    }

    pub(crate) fn delete(&mut self) {
        self.platform.metadata.deletion_timestamp = Some(Time(self.now));
    }

    /// The planned step of this name fails, as if it had just been carried out.
    pub(crate) fn fail(&mut self, id: &str, class: ErrorClass, message: &str) {
        let plan = self.decide();
        let step = plan.steps.iter().find(|step| step.action.id() == id).unwrap_or_else(|| panic!("no step {id}"));
        let attempt_key = step.attempt_key.clone();
        let failure = Failure { attempt_key, class, message: message.to_owned(), count: 1, at: self.now };
        self.observed.failures.insert(id.to_owned(), failure);
    }

    /// Status and reason of a condition.
    pub(crate) fn condition(&self, kind: ConditionType) -> (String, String) {
        let status = self.platform.status.as_ref().unwrap();
        let condition = status.condition(kind).unwrap_or_else(|| panic!("no condition {kind:?}"));
        (condition.status.clone(), condition.reason.clone())
    }

    pub(crate) fn message(&self, kind: ConditionType) -> String {
        self.platform.status.as_ref().unwrap().condition(kind).unwrap().message.clone()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.condition(ConditionType::Ready).0 == "True"
    }

    /// The versions the services' Deployments were last applied with.
    pub(crate) fn versions(&self) -> BTreeSet<String> {
        self.observed.pods.iter().map(|pod| pod.version.clone()).collect()
    }

    fn carry_out(&mut self, step: &Step) {
        self.done.push(step.clone());
        match &step.action {
            Action::CreateJob(job) => self.run_job(job),
            Action::DeleteJob(name) => self.observed.jobs.retain(|job| job.name != *name),
            Action::SetPublication { tables, .. } => {
                self.postgres().publication = Some(tables.iter().cloned().collect());
            }
            Action::ConfigureConnector(config) => {
                let task = TaskView { id: 0, state: "RUNNING".into(), trace: None };
                let connector =
                    ConnectorView { config: config.clone(), state: "RUNNING".into(), tasks: vec![task], trace: None };
                *self.connect() = ConnectView { connector: Some(connector), has_offsets: true };
                self.postgres().slot = Some(SlotView { is_active: true });
            }
            Action::SetConnectorState(verb) => self.set_connector_state(verb),
            Action::RestartConnector => self.set_connector_state("resume"),
            Action::DeleteOffsets => self.connect().has_offsets = false,
            Action::DeleteConnector => self.connect().connector = None,
            Action::DropSlot => self.postgres().slot = None,
            Action::DropPublication => self.postgres().publication = None,
            Action::PointAlias { index, .. } => self.elasticsearch().alias = [index.clone()].into(),
            Action::DeleteIndexes(_) => *self.elasticsearch() = ElasticsearchView::default(),
            Action::Apply(object) => self.apply(object),
            Action::Remove(Kind::Deployment, name) => {
                self.observed.deployments.retain(|component, _| names::workload(&self.platform, *component) != *name);
            }
            Action::Remove(Kind::ConfigMap, name) => drop(self.observed.config_maps.remove(name)),
            Action::Remove(Kind::PodDisruptionBudget, _) => self.observed.disruption_budgets.clear(),
            Action::AddFinalizer => self.platform.metadata.finalizers = Some(vec![FINALIZER.to_owned()]),
            Action::RemoveFinalizer(_) => self.platform.metadata.finalizers = None,
        }
    }

    fn run_job(&mut self, job: &Job) {
        let labels = job.metadata.labels.clone().unwrap();
        let kind = JobKind::ALL.into_iter().find(|kind| kind.as_str() == labels[names::JOB_KIND]).unwrap();
        let version = labels[names::VERSION].clone();
        let state = if version == BROKEN && kind == JobKind::MigrateBefore {
            JobState::Failed(self.broken_migration())
        } else {
            self.job_succeeds(kind, &version)
        };
        self.observed.jobs.push(JobView {
            name: job.metadata.name.clone().unwrap(),
            kind,
            key: labels[names::JOB_KEY].clone(),
            attempt: labels[names::JOB_ATTEMPT].parse().unwrap(),
            generation: self.platform.metadata.generation.unwrap(),
            state,
        });
    }

    fn job_succeeds(&mut self, kind: JobKind, version: &str) -> JobState {
        let release = release(version);
        let message = json!({"release": release, "applied": [], "pending": []}).to_string();
        let set = match kind {
            JobKind::MigrateBefore => Some(&release.migrations.before),
            JobKind::MigrateAfter => Some(&release.migrations.after),
            JobKind::PrepareIndex => None,
        };
        if let Some(set) = set {
            self.postgres().migrations.extend(set.versions.iter().map(|version| (*version, checksum(*version))));
        } else {
            let index = format!("events-{}", release.index.hash);
            self.elasticsearch().indexes.insert(index, Some("2026-11-23T12:00:00Z".into()));
        }
        JobState::Succeeded(JobSuccess { message: Some(message), at: self.now })
    }

    fn broken_migration(&self) -> JobFailure {
        let error = json!({"error": {
            "file": "before/0005_limit.sql", "statement": "ALTER TABLE tickets ADD CHECK (pric > 0)",
            "sqlstate": "42703", "message": "column \"pric\" does not exist",
        }});
        JobFailure { exit_code: Some(1), message: Some(error.to_string()), at: self.now }
    }

    fn set_connector_state(&mut self, verb: &str) {
        let state = match verb {
            "stop" => "STOPPED",
            "pause" => "PAUSED",
            _ => "RUNNING",
        };
        if let Some(connector) = &mut self.connect().connector {
            connector.state = state.into();
            connector.tasks =
                if verb == "stop" { Vec::new() } else { vec![TaskView { id: 0, state: state.into(), trace: None }] };
        }
        if let Some(slot) = &mut self.postgres().slot {
            slot.is_active = verb == "resume";
        }
    }

    fn apply(&mut self, object: &Object) {
        match object {
            Object::Deployment(deployment) => self.roll(deployment),
            Object::ConfigMap(map) => {
                let component = component(&map.metadata);
                self.observed.config_maps.insert(map.metadata.name.clone().unwrap(), component);
            }
            Object::PodDisruptionBudget(budget) => {
                self.observed.disruption_budgets.insert(component(&budget.metadata));
            }
            Object::ServiceAccount(_) | Object::Service(_) => {}
        }
    }

    fn roll(&mut self, deployment: &Deployment) {
        let component = component(&deployment.metadata);
        let spec = deployment.spec.clone().unwrap();
        let pods = spec.template.metadata.unwrap();
        let annotations = pods.annotations.unwrap();
        let revision = annotations[names::REVISION].clone();
        let replicas = spec.replicas.unwrap();
        let version = pods.labels.unwrap()[names::VERSION].clone();
        let was_ready = self
            .observed
            .deployments
            .get(&component)
            .is_some_and(|found| found.revision == revision && found.available == found.desired);
        let gets_ready = self.pods_get_ready || was_ready || version == "0.1.0";
        let view = DeploymentView {
            revision: revision.clone(),
            desired: replicas,
            updated: replicas,
            available: if gets_ready { replicas } else { 0 },
            total: replicas,
            is_observed: true,
            deadline_exceeded: !gets_ready,
        };
        self.observed.deployments.insert(component, view);
        self.observed.pods.retain(|pod| pod.component != component);
        self.observed.pods.push(PodView {
            name: format!("{}-1", component.as_str()),
            component,
            version,
            revision,
            config_map: annotations[names::CONFIG].clone(),
            trouble: (!gets_ready).then(|| "CrashLoopBackOff (exit code 2)".to_owned()),
        });
    }

    pub(crate) fn postgres(&mut self) -> &mut PostgresView {
        reachable(&mut self.observed.postgres)
    }

    pub(crate) fn connect(&mut self) -> &mut ConnectView {
        reachable(&mut self.observed.connect)
    }

    pub(crate) fn elasticsearch(&mut self) -> &mut ElasticsearchView {
        reachable(&mut self.observed.elasticsearch)
    }
}

fn reachable<T>(fact: &mut Fact<T>) -> &mut T {
    match fact {
        Fact::Known(view) => view,
        Fact::Unknown(why) => panic!("a step needed a store that was not reachable: {why}"),
    }
}

fn component(metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Component {
    Component::parse(&metadata.labels.as_ref().unwrap()[names::COMPONENT]).unwrap()
}

/// What a version says about itself: 0.2.0 brings a migration, another index, another table, and a migration for after
/// the roll; 0.2.1 only other code.
pub(crate) fn release(version: &str) -> Release {
    let (before, after, index, tables): (&[i64], &[i64], _, &[&str]) = match version {
        "0.1.0" => (&[1, 2], &[], "aaaaaaaaaaaa", &["public.events", "public.venues"]),
        "0.1.1" => (&[1, 2], &[], "aaaaaaaaaaaa", &["public.events", "public.venues"]),
        _ => (&[1, 2, 3], &[4], "bbbbbbbbbbbb", &["public.events", "public.performers", "public.venues"]),
    };
    Release {
        version: version.to_owned(),
        migrations: MigrationSets { before: set(before), after: set(after) },
        index: IndexDefinition { hash: index.to_owned() },
        feed: Feed { tables: tables.iter().map(|&table| table.to_owned()).collect() },
    }
}

fn set(versions: &[i64]) -> MigrationSet {
    let checksums: Vec<_> = versions.iter().map(|version| (*version, checksum(*version))).collect();
    MigrationSet::new(checksums.iter().map(|(version, checksum)| (*version, checksum.as_str())))
}

fn checksum(version: i64) -> String {
    format!("{version:08x}")
}
