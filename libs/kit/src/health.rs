//! Liveness and readiness.
//!
//! A live process can answer at all. A ready service can do its work: every registered probe succeeds, and the service
//! does not drain. Register a probe only for what the service cannot work without.

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
use redis::aio::ConnectionManager;
use sqlx::AssertSqlSafe;
use tokio_util::sync::CancellationToken;

use crate::postgres::Pool;

/// A probe that takes longer has failed. It is shorter than the interval at which the kubelet asks.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

type Outcome = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Probe = dyn Fn() -> Outcome + Send + Sync;

/// Knows whether the service is ready, and when it goes away.
#[derive(Clone, Default)]
pub struct Health {
    probes: Arc<BTreeMap<&'static str, Box<Probe>>>,
    draining: Arc<AtomicBool>,
    closing: CancellationToken,
}

/// Collects the probes of a [`Health`].
#[derive(Default)]
pub struct HealthBuilder {
    probes: BTreeMap<&'static str, Box<Probe>>,
}

impl HealthBuilder {
    /// Adds a probe. Its error tells the reader of `/readyz` what is wrong.
    #[must_use]
    pub fn ready<F>(mut self, name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.probes.insert(name, Box::new(move || Box::pin(probe())));
        self
    }

    /// Adds a probe that is asked until it succeeds for the first time. It is for a store that all replicas share.
    ///
    /// A revision with a wrong address or password never becomes ready and is rolled back. A store that goes down later
    /// is down for all replicas. If all of them left their Service then, clients would be refused the connection
    /// instead of getting the 503 with `Retry-After` that they are promised.
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

    /// Adds PostgreSQL as a store that must be [reached](Self::reached). The probe reads a table of the platform: a
    /// database without the schema, or a role without the right to read it, is no good database.
    #[must_use]
    pub fn postgres(self, pool: Pool, table: &'static str) -> Self {
        self.reached("postgres", move || {
            let pool = pool.clone();
            async move {
                let asked = sqlx::query(AssertSqlSafe(format!("SELECT FROM {table} LIMIT 0"))).execute(&pool).await;
                asked.map(drop).map_err(|error| error.to_string())
            }
        })
    }

    /// Adds Redis as a store that must be [reached](Self::reached).
    #[must_use]
    pub fn redis(self, connection: ConnectionManager) -> Self {
        self.reached("redis", move || {
            let mut connection = connection.clone();
            async move {
                redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(|error| error.to_string())
            }
        })
    }

    /// Ends the collection.
    #[must_use]
    pub fn build(self) -> Health {
        Health { probes: Arc::new(self.probes), draining: Arc::default(), closing: CancellationToken::new() }
    }
}

impl Health {
    /// Starts a collection of probes.
    #[must_use]
    pub fn builder() -> HealthBuilder {
        HealthBuilder::default()
    }

    /// Notes that the service is going away. It is not ready from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Cancels [`Self::closing`].
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    /// A token that [`serve`](crate::http::serve) cancels when it accepts no more connections. It then waits for the
    /// answers under way, so an answer without an end, such as a stream, must end now. It must not end earlier: during
    /// `drain_delay` load balancers may still send a client whose stream ended back to this process.
    #[must_use]
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Everything that keeps the service from being ready: thing → reason.
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
    async fn a_store_that_was_reached_once_is_not_asked_again() {
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
