//! Starts everything, and ends it in order: running reconciles first, then the lease, then the endpoints.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::StreamExt;
use kube::{Client, runtime::controller};
use thiserror::Error;
use tokio::{net::TcpListener, sync::watch, task::JoinError};
use tokio_util::sync::CancellationToken;

use crate::{
    backends,
    caches::Caches,
    controller::{build, stopping},
    events::EventRecorder,
    health::{self, Health},
    leader::{self, Candidacy},
    metrics::Metrics,
    reconcile::{Context, after_error, reconcile},
};

/// Settings from the command line and the environment.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Look after platforms in this namespace only. Default: all namespaces.
    #[arg(long, env = "WATCH_NAMESPACE")]
    pub namespace: Option<String>,
    /// Address of `/livez`, `/readyz` and `/metrics`.
    #[arg(long, env = "HEALTH_ADDRESS", default_value = "0.0.0.0:8080")]
    pub health_address: SocketAddr,
    /// Namespace of the lease that replicas compete for.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pub lease_namespace: String,
    /// Name of this replica. Each replica needs its own.
    #[arg(long, env = "POD_NAME", default_value = "ticket-operator")]
    pub identity: String,
}

/// Why the operator could not run.
#[derive(Debug, Error)]
pub enum RunError {
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("the listener or the signals: {0}")]
    Io(#[from] std::io::Error),
    #[error("the cluster's configuration: {0}")]
    Cluster(#[from] kube::Error),
    #[error("the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    #[error("a task ended by a panic: {0}")]
    Task(#[from] JoinError),
}

/// Runs the operator until `stop`.
///
/// # Errors
/// When the address is taken or the cluster's configuration cannot be found.
pub async fn run(settings: Settings, stop: CancellationToken) -> Result<(), RunError> {
    // Dependencies link two TLS libraries, and rustls does not choose between them. An error means that one has been
    // chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let metrics = Arc::new(Metrics::new()?);
    let is_ready = Arc::new(AtomicBool::new(false));
    let health = Health { is_ready: Arc::clone(&is_ready), metrics: Arc::clone(&metrics) };
    let listener = TcpListener::bind(settings.health_address).await?;
    let endpoints_stop = CancellationToken::new();
    let endpoints = tokio::spawn(health::serve(listener, health, endpoints_stop.clone()));

    let client = Client::try_default().await?;
    let (leading_writer, leading) = watch::channel(false);
    let (controller, caches) = build(&client, settings.namespace.as_deref(), leading.clone());
    let context = Arc::new(Context {
        client: client.clone(),
        caches: caches.clone(),
        http: backends::http_client()?,
        recorder: EventRecorder::new(client.clone(), &settings.identity),
        metrics: Arc::clone(&metrics),
        leading: leading.clone(),
        memory: Mutex::new(HashMap::new()),
    });

    let lease_stop = CancellationToken::new();
    let election =
        tokio::spawn(compete_when_warm(client, &settings, caches, is_ready, leading_writer, lease_stop.clone()));
    let bookkeeping = tokio::spawn(record_leadership(leading, metrics));
    stopping(controller, stop)
        .run(reconcile, after_error, context)
        .for_each(|result| async move {
            match result {
                // The reconcile has logged its own error, and a resource that is gone needs nothing.
                Ok(_) | Err(controller::Error::ReconcilerFailed(..) | controller::Error::ObjectNotFound(_)) => {}
                Err(error) => tracing::warn!(%error, "a watch failed and is tried again"),
            }
        })
        .await;

    tracing::info!("all reconciles have ended; giving the lease back");
    lease_stop.cancel();
    election.await?;
    bookkeeping.await?;
    endpoints_stop.cancel();
    endpoints.await??;
    Ok(())
}

/// Competes for the lease once the caches are filled. A leader with empty caches would take every object for missing.
fn compete_when_warm(
    client: Client,
    settings: &Settings,
    caches: Caches,
    is_ready: Arc<AtomicBool>,
    leading: watch::Sender<bool>,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let candidacy = Candidacy { namespace: settings.lease_namespace.clone(), identity: settings.identity.clone() };
    async move {
        tokio::select! {
            () = stop.cancelled() => return,
            warm = caches.wait_until_ready() => if warm.is_err() { return },
        }
        is_ready.store(true, Ordering::Relaxed);
        tracing::info!("caches are filled");
        leader::campaign(client, candidacy, leading, stop).await;
    }
}

async fn record_leadership(mut leading: watch::Receiver<bool>, metrics: Arc<Metrics>) {
    while leading.changed().await.is_ok() {
        metrics.leads(*leading.borrow_and_update());
    }
}
