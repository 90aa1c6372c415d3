//! The API server, and helpers for all scenarios.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use kube::{
    Api, Client,
    api::{DynamicObject, GroupVersionKind},
    core::discovery::ApiResource,
};

/// The namespace of the stores and of the platform.
pub const NAMESPACE: &str = "tickets";

/// The pause between two looks.
const POLL: Duration = Duration::from_millis(200);

/// Waits until `look` succeeds. When it does not within the limit, the error has its last error.
pub async fn until<T, F>(what: &str, limit: Duration, mut look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let started = Instant::now();
    loop {
        match look().await {
            Ok(found) => return Ok(found),
            Err(error) if started.elapsed() > limit => {
                bail!("{what} did not happen within {limit:?}: {error:#}");
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

/// The resource under test, without our own Rust types for it.
pub fn ticket_platforms(client: &Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("ticketplatform.dev", "v1alpha1", "TicketPlatform");
    Api::namespaced_with(client.clone(), NAMESPACE, &ApiResource::from_gvk(&kind))
}

/// The value of an environment variable that `dev/test` sets.
pub fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: this test runs under `make test`"))
}
