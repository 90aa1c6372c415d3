//! When the service is ready.
//!
//! Ready means: since its start it has reached both stores. After that it stays ready. A revision with a wrong address or
//! password never gets ready and is rolled back; a store that goes down later is the same for all replicas, and taking
//! them all out of their Service would turn the 503 with `Retry-After` that clients are promised into refused connections.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use redis::aio::ConnectionManager;
use service_kit::health::Health;
use sqlx::PgPool;

type Reached = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Probes of both stores.
pub(crate) fn health(postgres: PgPool, redis: ConnectionManager) -> Health {
    Health::builder()
        .ready("postgres", once(move || reach_postgres(postgres.clone())))
        .ready("redis", once(move || reach_redis(redis.clone())))
        .build()
}

/// A probe that is asked until it succeeds for the first time.
fn once<F>(probe: impl Fn() -> F + Send + Sync + 'static) -> impl Fn() -> Reached + Send + Sync + 'static
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let reached = Arc::new(AtomicBool::new(false));
    move || -> Reached {
        if reached.load(Ordering::Relaxed) {
            return Box::pin(std::future::ready(Ok(())));
        }
        let (probe, reached) = (probe(), Arc::clone(&reached));
        Box::pin(async move {
            probe.await?;
            reached.store(true, Ordering::Relaxed);
            Ok(())
        })
    }
}

/// Reads a table of ours, so that a database without schema or without rights is not taken for a good one.
async fn reach_postgres(postgres: PgPool) -> Result<(), String> {
    let asked = sqlx::query("SELECT FROM payment_attempts LIMIT 0").execute(&postgres).await;
    asked.map(drop).map_err(|error| error.to_string())
}

async fn reach_redis(mut redis: ConnectionManager) -> Result<(), String> {
    redis::cmd("PING").query_async::<()>(&mut redis).await.map_err(|error| error.to_string())
}
