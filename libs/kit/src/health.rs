//! Liveness and readiness.
//!
//! Alive means that the process can answer at all. Ready means that it can do its work: every probe it registered
//! succeeds, and it is not draining. A probe belongs here only when the service truly cannot work without the thing.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures::future::join_all;

/// A probe that takes longer counts as failed: the kubelet asks again sooner than it would answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

type Outcome = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Probe = dyn Fn() -> Outcome + Send + Sync;

/// What must hold for the service to be ready.
#[derive(Clone, Default)]
pub struct Health {
    probes: Arc<BTreeMap<&'static str, Box<Probe>>>,
    draining: Arc<AtomicBool>,
}

/// Collects the probes of a [`Health`].
#[derive(Default)]
pub struct HealthBuilder {
    probes: BTreeMap<&'static str, Box<Probe>>,
}

impl HealthBuilder {
    /// Adds a probe. Its error says what is wrong, for the reader of `/readyz`.
    #[must_use]
    pub fn ready<F>(mut self, name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.probes.insert(name, Box::new(move || Box::pin(probe())));
        self
    }

    /// Adds a probe that counts until it succeeds for the first time: for a store that all replicas share.
    ///
    /// A revision with a wrong address or password never gets ready and is rolled back. A store that goes down later is the
    /// same for all replicas, and taking them all out of their Service would turn the 503 with `Retry-After` that clients
    /// are promised into refused connections.
    #[must_use]
    pub fn reached<F>(self, name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let reached = Arc::new(AtomicBool::new(false));
        self.ready(name, move || -> Outcome {
            if reached.load(Ordering::Relaxed) {
                return Box::pin(std::future::ready(Ok(())));
            }
            let (probe, reached) = (probe(), Arc::clone(&reached));
            Box::pin(async move {
                probe.await?;
                reached.store(true, Ordering::Relaxed);
                Ok(())
            })
        })
    }

    /// The finished set of probes.
    #[must_use]
    pub fn build(self) -> Health {
        Health { probes: Arc::new(self.probes), draining: Arc::default() }
    }
}

impl Health {
    /// Starts a set of probes.
    #[must_use]
    pub fn builder() -> HealthBuilder {
        HealthBuilder::default()
    }

    /// From now on the service is not ready: it is going away.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// What stands in the way of being ready: thing → reason.
    pub async fn obstacles(&self) -> BTreeMap<&'static str, String> {
        if self.draining.load(Ordering::Relaxed) {
            return BTreeMap::from([("shutdown", "draining".to_owned())]);
        }
        let checks = self.probes.iter().map(|(name, probe)| async move {
            let outcome = tokio::time::timeout(PROBE_TIMEOUT, probe()).await;
            let outcome = outcome.unwrap_or_else(|_| Err(format!("no answer within {PROBE_TIMEOUT:?}")));
            outcome.err().map(|reason| (*name, reason))
        });
        join_all(checks).await.into_iter().flatten().collect()
    }

    pub(crate) fn routes(&self) -> Router {
        Router::new().route("/livez", get(async || "ok")).route("/readyz", get(readyz)).with_state(self.clone())
    }
}

async fn readyz(State(health): State<Health>) -> Response {
    let obstacles = health.obstacles().await;
    if obstacles.is_empty() {
        return "ok".into_response();
    }
    let body = serde_json::json!({
        "error": "not_ready",
        "message": obstacles.iter().map(|(name, reason)| format!("{name}: {reason}")).collect::<Vec<_>>().join("; "),
    });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ready_means_that_every_probe_succeeds_and_nothing_drains() {
        let health = Health::builder().ready("good", async || Ok(())).build();
        assert!(health.obstacles().await.is_empty());
        health.drain();
        assert_eq!(health.obstacles().await.keys().copied().collect::<Vec<_>>(), ["shutdown"]);
    }

    #[tokio::test]
    async fn a_store_that_was_reached_once_stands_in_the_way_no_more() {
        let up = Arc::new(AtomicBool::new(false));
        let store = Arc::clone(&up);
        let look = move || {
            let answer = if store.load(Ordering::Relaxed) { Ok(()) } else { Err("down".to_owned()) };
            std::future::ready(answer)
        };
        let health = Health::builder().reached("store", look).build();
        assert_eq!(health.obstacles().await["store"], "down");
        up.store(true, Ordering::Relaxed);
        assert!(health.obstacles().await.is_empty());
        up.store(false, Ordering::Relaxed);
        assert!(health.obstacles().await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_hangs_or_fails_is_named() {
        let health = Health::builder()
            .ready("bad", async || Err("refused".to_owned()))
            .ready("hanging", std::future::pending)
            .build();
        let obstacles = health.obstacles().await;
        assert_eq!(obstacles["bad"], "refused");
        assert!(obstacles["hanging"].contains("no answer"));
    }
}
