//! One reconcile: observe → decide → write the status → execute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::controller::Action as Requeue,
};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    api::{TicketPlatform, TicketPlatformStatus},
    caches::Caches,
    decide::{self, Action, Plan},
    events::EventRecorder,
    execute::{Executor, Outcome},
    failures::{Failure, Failures, pause},
    metrics::Metrics,
    names::FIELD_MANAGER,
    observe::{self, Backends},
};

/// What all reconciles share.
pub(crate) struct Context {
    pub client: Client,
    pub caches: Caches,
    /// The HTTP client for Connect and Elasticsearch.
    pub http: reqwest::Client,
    pub recorder: EventRecorder,
    pub metrics: Arc<Metrics>,
    /// Whether this replica leads.
    pub leading: watch::Receiver<bool>,
    /// What is remembered from one reconcile to the next, by the resource's uid.
    pub memory: Mutex<HashMap<String, Memory>>,
}

/// What is remembered about one platform.
#[derive(Default)]
pub(crate) struct Memory {
    failures: Failures,
    /// How many reconciles in a row failed as a whole.
    errors: u32,
}

/// Why a reconcile failed as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// Reading the resource or writing its status failed.
    #[error("Kubernetes: {0}")]
    Kubernetes(#[from] kube::Error),
    /// Everything the operator makes is named after these three, so it makes nothing without them.
    #[error("the resource has no name, no namespace or no uid")]
    Nameless,
}

/// Brings one platform nearer to what its resource says.
///
/// # Errors
/// When the resource cannot be read or its status cannot be written.
pub(crate) async fn reconcile(cached: Arc<TicketPlatform>, context: Arc<Context>) -> Result<Requeue, ReconcileError> {
    if !*context.leading.borrow() {
        return Ok(Requeue::await_change());
    }
    let started = Instant::now();
    let result = reconcile_once(&cached, &context).await;
    context.metrics.reconciled(started.elapsed(), result.is_ok());
    if let Err(error) = &result {
        let errors = context.with_memory(&cached, |memory| {
            memory.errors += 1;
            memory.errors
        });
        tracing::warn!(platform = %cached.name_any(), %error, errors, "reconcile failed");
    }
    result
}

/// Says when to try again after a reconcile that failed as a whole.
pub(crate) fn after_error(platform: Arc<TicketPlatform>, _: &ReconcileError, context: Arc<Context>) -> Requeue {
    let errors = context.with_memory(&platform, |memory| memory.errors);
    Requeue::requeue(pause(errors.max(1)).unsigned_abs())
}

async fn reconcile_once(cached: &TicketPlatform, context: &Context) -> Result<Requeue, ReconcileError> {
    let ObjectMeta { name: Some(_), namespace: Some(namespace), uid: Some(_), .. } = &cached.metadata else {
        return Err(ReconcileError::Nameless);
    };
    let api: Api<TicketPlatform> = Api::namespaced(context.client.clone(), namespace);
    // The cache may be older than the status that this operator wrote last.
    let Some(platform) = api.get_opt(&cached.name_any()).await? else {
        context.forget(cached);
        return Ok(Requeue::await_change());
    };
    let secrets = observe::secrets::read(&context.client, &platform).await;
    let backends = Backends::of(&platform, &context.http, &secrets);
    let failures = context.with_memory(&platform, |memory| {
        memory.errors = 0;
        memory.failures.clone()
    });
    let now = Timestamp::now();
    let observed = observe::observe(&platform, &context.caches, &secrets, &backends, failures, now).await;
    let plan = decide::decide(&platform, &observed, now);
    write_status(&api, &platform, &plan.status, context).await?;
    Ok(Requeue::requeue(carry_out(&platform, &backends, plan, context).await))
}

/// Carries a plan out and answers when to look again.
async fn carry_out(platform: &TicketPlatform, backends: &Backends, plan: Plan, context: &Context) -> Duration {
    let executor = Executor { client: &context.client, platform, backends, recorder: &context.recorder };
    let outcomes = executor.execute(plan.steps).await;
    let next_attempt = context.with_memory(platform, |memory| remember(&mut memory.failures, &outcomes));
    if outcomes
        .iter()
        .any(|outcome| matches!(outcome.step.action, Action::RemoveFinalizer(_)) && outcome.result.is_ok())
    {
        context.forget(platform);
    }
    let next_look = next_attempt.map_or(plan.next_look, |wait| plan.next_look.min(wait));
    next_look.unsigned_abs()
}

/// Remembers the steps that failed and forgets those that did not. Answers when the first failed step is due again.
fn remember(failures: &mut Failures, outcomes: &[Outcome]) -> Option<SignedDuration> {
    let now = Timestamp::now();
    let mut soonest = None;
    for Outcome { step, result } in outcomes {
        let id = step.action.id();
        let Err(error) = result else {
            failures.remove(&id);
            continue;
        };
        let before = failures.get(&id).filter(|failure| failure.attempt_key == step.attempt_key);
        let failure = Failure {
            attempt_key: step.attempt_key.clone(),
            class: error.class,
            message: error.message.clone(),
            count: before.map_or(0, |failure| failure.count) + 1,
            at: now,
        };
        let wait = failure.next_attempt().duration_since(now);
        soonest = soonest.into_iter().chain([wait]).min();
        failures.insert(id, failure);
    }
    soonest
}

/// Writes the status when it has changed. It is written before the steps are carried out: a new generation shows as not
/// ready before anything is done about it.
async fn write_status(
    api: &Api<TicketPlatform>,
    platform: &TicketPlatform,
    status: &TicketPlatformStatus,
    context: &Context,
) -> Result<(), ReconcileError> {
    context.metrics.conditions(platform, status);
    if platform.status.as_ref() == Some(status) {
        return Ok(());
    }
    let patch = json!({
        "apiVersion": TicketPlatform::api_version(&()),
        "kind": TicketPlatform::kind(&()),
        "metadata": {"name": platform.name_any(), "uid": platform.uid()},
        "status": status,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    api.patch_status(&platform.name_any(), &parameters, &Patch::Apply(&patch)).await?;
    context.recorder.status_changed(platform, platform.status.as_ref(), status).await;
    Ok(())
}

impl Context {
    fn with_memory<T>(&self, platform: &TicketPlatform, change: impl FnOnce(&mut Memory) -> T) -> T {
        // A poisoned lock only means that a reconcile panicked. What is remembered stays usable.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        change(memory.entry(platform.uid().unwrap_or_default()).or_default())
    }

    fn forget(&self, platform: &TicketPlatform) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).remove(&platform.uid().unwrap_or_default());
        self.metrics.forget(&platform.namespace().unwrap_or_default(), &platform.name_any());
    }
}
