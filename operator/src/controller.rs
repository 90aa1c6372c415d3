//! Connects watches, caches and reconciles.

use std::{
    fmt::Debug,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use futures::{Stream, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource,
    runtime::{
        PredicateConfig, WatchStreamExt,
        controller::{Config, Controller},
        reflector::{self, Store},
        watcher,
    },
};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    api::TicketPlatform,
    caches::{Caches, platform_of},
    names::MANAGED_SELECTOR,
};

/// How long changes are gathered before a reconcile. A rollout changes several objects within milliseconds.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// The number of platforms that are reconciled at the same time.
const CONCURRENCY: u16 = 4;

/// Builds the controller, which does not run yet, and the caches that it fills once it runs.
pub(crate) fn build(
    client: &Client,
    namespace: Option<&str>,
    leading: watch::Receiver<bool>,
) -> (Controller<TicketPlatform>, Caches) {
    // A store wakes only one of the tasks that wait for its first filling, and the controller waits for its own store.
    // So the caches get another one.
    let (own, own_writer) = reflector::store();
    let (platforms, writer) = reflector::store();
    let events = watcher(api::<TicketPlatform>(client, namespace), watcher::Config::default())
        .default_backoff()
        .reflect(own_writer)
        .reflect(writer)
        .applied_objects()
        .predicate_filter(what_matters, PredicateConfig::default());
    let controller = Controller::for_stream(events, own)
        .with_config(Config::default().debounce(DEBOUNCE).concurrency(CONCURRENCY))
        .reconcile_all_on(won_elections(leading));
    let (controller, jobs) = owned(controller, client, namespace);
    let (controller, deployments) = owned(controller, client, namespace);
    let (controller, pods) = owned(controller, client, namespace);
    let (controller, config_maps) = owned(controller, client, namespace);
    let (controller, services) = owned(controller, client, namespace);
    let (controller, service_accounts) = owned(controller, client, namespace);
    let (controller, disruption_budgets) = owned(controller, client, namespace);
    let caches =
        Caches { platforms, jobs, deployments, pods, config_maps, services, service_accounts, disruption_budgets };
    (controller, caches)
}

/// Ends the controller on `stop`, after the reconciles that are running.
pub(crate) fn stopping(controller: Controller<TicketPlatform>, stop: CancellationToken) -> Controller<TicketPlatform> {
    controller.graceful_shutdown_on(stop.cancelled_owned())
}

fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Watches one kind of the objects that the operator made. Each change leads to a reconcile, and so does a deletion.
fn owned<K>(
    controller: Controller<TicketPlatform>,
    client: &Client,
    namespace: Option<&str>,
) -> (Controller<TicketPlatform>, Store<K>)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + Sync
        + 'static,
{
    let (store, writer) = reflector::store();
    let events = watcher(api::<K>(client, namespace), watcher::Config::default().labels(MANAGED_SELECTOR))
        .default_backoff()
        .modify(|object| object.meta_mut().managed_fields = None)
        .reflect(writer)
        .touched_objects();
    (controller.watches_stream(events, |object| platform_of(&object)), store)
}

/// Changes when a resource changes in a way that calls for a reconcile. Its status is not part of it, because the
/// operator writes that itself. The uid is: a resource that is deleted and created again starts with the same
/// generation.
fn what_matters(platform: &TicketPlatform) -> Option<u64> {
    let metadata = &platform.metadata;
    let mut hasher = DefaultHasher::new();
    (&metadata.uid, metadata.generation, &metadata.finalizers).hash(&mut hasher);
    Some(hasher.finish())
}

/// Yields an item each time this replica begins to lead: nobody may have reconciled what changed before.
fn won_elections(leading: watch::Receiver<bool>) -> impl Stream<Item = ()> + Send + 'static {
    futures::stream::unfold(leading, |mut leading| async move {
        leading.changed().await.ok()?;
        let leads = *leading.borrow_and_update();
        Some((leads, leading))
    })
    .filter_map(|leads| async move { leads.then_some(()) })
}
