//! Carries out the steps of a plan. Each step is idempotent, so a step that was carried out before a crash is carried
//! out again without harm.

mod kubernetes;

use std::collections::BTreeSet;

use kube::Client;

use crate::{
    api::TicketPlatform,
    backends::{BackendError, BackendResult},
    decide::{Action, GateKind, Step},
    events::EventRecorder,
    failures::ErrorClass,
    observe::Backends,
};

/// What the steps are carried out with.
pub(crate) struct Executor<'a> {
    pub client: &'a Client,
    pub platform: &'a TicketPlatform,
    pub backends: &'a Backends,
    /// Publishes what is left behind.
    pub recorder: &'a EventRecorder,
}

/// A step and the result of carrying it out.
pub(crate) struct Outcome {
    pub step: Step,
    pub result: BackendResult<()>,
}

impl Executor<'_> {
    /// Carries the steps out in order. A step that fails holds up the later steps of its gate, which may need it. Only
    /// the removal of the finalizer is never held up: it is planned when there is nothing more to wait for.
    pub(crate) async fn execute(&self, steps: Vec<Step>) -> Vec<Outcome> {
        let mut held_up: BTreeSet<GateKind> = BTreeSet::new();
        let mut outcomes = Vec::new();
        for step in steps {
            let is_last_word = matches!(step.action, Action::RemoveFinalizer(_));
            if held_up.contains(&step.gate) && !is_last_word {
                continue;
            }
            let result = self.carry_out(&step.action).await;
            if let Err(error) = &result {
                tracing::warn!(step = step.action.id(), error = %error, class = ?error.class, "step failed");
                held_up.insert(step.gate);
            } else if !matches!(step.action, Action::Apply(_)) {
                tracing::info!(step = step.action.id(), "step done");
            }
            outcomes.push(Outcome { step, result });
        }
        outcomes
    }

    async fn carry_out(&self, action: &Action) -> BackendResult<()> {
        let settings = &self.platform.spec.connect.connector;
        let (connect, elasticsearch) = (&self.backends.connect, &self.backends.elasticsearch);
        match action {
            Action::AddFinalizer => kubernetes::add_finalizer(self.client, self.platform).await.map_err(from_kube),
            Action::RemoveFinalizer(left_behind) => self.let_go(left_behind).await,
            Action::CreateJob(job) => kubernetes::create_job(self.client, job).await.map_err(from_kube),
            Action::DeleteJob(name) => {
                kubernetes::delete_job(self.client, self.platform, name).await.map_err(from_kube)
            }
            Action::Apply(object) => kubernetes::apply(self.client, object).await.map_err(from_kube),
            Action::Remove(kind, name) => {
                kubernetes::remove(self.client, self.platform, *kind, name).await.map_err(from_kube)
            }
            Action::SetPublication { tables, exists } => {
                self.backends.postgres()?.set_publication(&settings.publication, tables, *exists).await
            }
            Action::ConfigureConnector(config) => connect.configure(&settings.name, config).await,
            Action::SetConnectorState(verb) => connect.set_state(&settings.name, verb).await,
            Action::RestartConnector => connect.restart_failed(&settings.name).await,
            Action::DeleteOffsets => connect.delete_offsets(&settings.name).await,
            Action::DeleteConnector => connect.delete(&settings.name).await,
            Action::DropSlot => self.backends.postgres()?.drop_slot(&settings.slot).await,
            Action::DropPublication => self.backends.postgres()?.drop_publication(&settings.publication).await,
            Action::PointAlias { index, from } => {
                elasticsearch.point_alias(&self.platform.spec.elasticsearch.index_prefix, index, from).await
            }
            Action::DeleteIndexes(indexes) => elasticsearch.delete(indexes).await,
        }
    }

    async fn let_go(&self, left_behind: &[String]) -> BackendResult<()> {
        if !left_behind.is_empty() {
            self.recorder.left_behind(self.platform, left_behind).await;
        }
        kubernetes::remove_finalizer(self.client, self.platform).await.map_err(from_kube)
    }
}

/// The class of Kubernetes' error. Most errors pass: quotas grow, rights are granted, webhooks come back.
fn from_kube(error: kube::Error) -> BackendError {
    let class = match &error {
        kube::Error::Api(status) if status.code == 409 => ErrorClass::Conflict,
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => ErrorClass::Unauthorized,
        _ => ErrorClass::Transient,
    };
    BackendError::new(class, format!("Kubernetes: {error}"))
}
