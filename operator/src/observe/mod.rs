//! Reads everything that matters. Kubernetes objects come out of the caches. The stores are asked all at once, each
//! with its own time limit. A store that does not answer is *unknown*, and stops only the steps that need it.

pub(crate) mod collisions;
mod deployments;
mod jobs;
mod pods;
pub(crate) mod secrets;

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use crate::{
    api::TicketPlatform,
    backends::{
        BackendError, BackendResult,
        connect::{Connect, HttpConnect},
        elasticsearch::{Elasticsearch, HttpElasticsearch},
        postgres::{Address, Postgres, SqlPostgres},
    },
    caches::{self, Caches},
    component::Component,
    failures::Failures,
    names,
    observed::{ConnectView, Fact, Observed},
};

/// Clients for the stores of one platform.
pub(crate) struct Backends {
    pub connect: Box<dyn Connect>,
    pub elasticsearch: Box<dyn Elasticsearch>,
    /// The client, or the reason why there is none: a Secret that is missing, for example.
    pub postgres: Result<Box<dyn Postgres>, String>,
}

impl Backends {
    /// Makes clients for the addresses that the resource names.
    pub(crate) fn of(platform: &TicketPlatform, http: &reqwest::Client, secrets: &secrets::Secrets) -> Self {
        let spec = &platform.spec;
        let namespace = names::namespace(platform);
        Self {
            connect: Box::new(HttpConnect::new(http.clone(), &names::url_in_namespace(&spec.connect.url, namespace))),
            elasticsearch: Box::new(HttpElasticsearch::new(
                http.clone(),
                &names::url_in_namespace(&spec.elasticsearch.url, namespace),
            )),
            postgres: postgres(platform, secrets),
        }
    }

    /// The client for PostgreSQL, or an error that says why there is none.
    pub(crate) fn postgres(&self) -> BackendResult<&dyn Postgres> {
        self.postgres.as_deref().map_err(BackendError::transient)
    }
}

fn postgres(platform: &TicketPlatform, found: &secrets::Secrets) -> Result<Box<dyn Postgres>, String> {
    let spec = &platform.spec.postgres;
    let migration = secrets::credentials(found, &spec.migration.secret.name)?;
    let change_feed = secrets::credentials(found, &spec.change_feed.secret.name).ok();
    let address = Address {
        host: names::host_in_namespace(&spec.host, names::namespace(platform)),
        port: u16::try_from(spec.port).map_err(|error| error.to_string())?,
        database: spec.database.clone(),
        ssl_mode: spec.ssl_mode,
    };
    Ok(Box::new(SqlPostgres::new(address, migration, change_feed)))
}

/// Reads everything about one platform.
pub(crate) async fn observe(
    platform: &TicketPlatform,
    caches: &Caches,
    secrets: &secrets::Secrets,
    backends: &Backends,
    failures: Failures,
    now: Timestamp,
) -> Observed {
    // The caches are read first, so that a store is always seen later than the Job that worked on it.
    let pods = caches::of_platform(&caches.pods, platform);
    let jobs = caches::of_platform(&caches.jobs, platform);
    let deployments = caches::of_platform(&caches.deployments, platform);
    let connector = &platform.spec.connect.connector;
    let is_deleting = platform.metadata.deletion_timestamp.is_some();
    let (postgres, connect, elasticsearch) = tokio::join!(
        async { backends.postgres()?.look(&connector.publication, &connector.slot).await },
        look_at_connector(backends.connect.as_ref(), &connector.name, is_deleting),
        backends.elasticsearch.look(&platform.spec.elasticsearch.index_prefix),
    );
    Observed {
        jobs: jobs.iter().filter_map(|job| jobs::view(job, &pods, now)).collect(),
        deployments: deployments.iter().filter_map(|deployment| deployments::view(deployment)).collect(),
        pods: pods.iter().filter_map(|pod| pods::view(pod)).collect(),
        config_maps: config_maps(platform, caches),
        disruption_budgets: caches::of_platform(&caches.disruption_budgets, platform)
            .iter()
            .filter_map(|budget| component(budget.as_ref()))
            .collect(),
        secrets: secrets::views(secrets),
        postgres: fact(postgres),
        connect: fact(connect),
        elasticsearch: fact(elasticsearch),
        collisions: collisions::find(platform, &caches.platforms.state()),
        failures,
    }
}

/// Asks for offsets only when they are to be deleted next. Connect may not answer that in time while the connector
/// runs, and the connector must be seen in order to be stopped.
async fn look_at_connector(connect: &dyn Connect, name: &str, is_deleting: bool) -> BackendResult<ConnectView> {
    let mut view = connect.look(name).await?;
    if is_deleting && view.connector.as_ref().is_some_and(|found| found.state == "STOPPED") {
        view.has_offsets = connect.has_offsets(name).await?;
    }
    Ok(view)
}

fn config_maps(platform: &TicketPlatform, caches: &Caches) -> BTreeMap<String, Component> {
    let found = caches::of_platform(&caches.config_maps, platform);
    found.iter().filter_map(|map| Some((map.metadata.name.clone()?, component(map.as_ref())?))).collect()
}

fn component<K: kube::Resource>(object: &K) -> Option<Component> {
    Component::parse(object.meta().labels.as_ref()?.get(names::COMPONENT)?)
}

fn fact<T>(result: BackendResult<T>) -> Fact<T> {
    match result {
        Ok(value) => Fact::Known(value),
        Err(error) => Fact::Unknown(error.to_string()),
    }
}
