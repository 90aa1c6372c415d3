//! When the service is ready: once it has reached both stores.

use kit::{health::Health, postgres::Pool};
use redis::aio::ConnectionManager;

/// Probes of both stores.
pub(crate) fn health(postgres: Pool, redis: ConnectionManager) -> Health {
    Health::builder()
        .reached("postgres", move || reach_postgres(postgres.clone()))
        .reached("redis", move || reach_redis(redis.clone()))
        .build()
}

/// Reads a table of ours, so that a database without schema or without rights is not taken for a good one.
async fn reach_postgres(postgres: Pool) -> Result<(), String> {
    let asked = sqlx::query("SELECT FROM idempotency_keys LIMIT 0").execute(&postgres).await;
    asked.map(drop).map_err(|error| error.to_string())
}

async fn reach_redis(mut redis: ConnectionManager) -> Result<(), String> {
    redis::cmd("PING").query_async::<()>(&mut redis).await.map_err(|error| error.to_string())
}
