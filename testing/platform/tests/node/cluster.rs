//! The API server, and helpers for all scenarios.

use anyhow::{Context, Result};
use kube::{
    Api, Client,
    api::{DynamicObject, GroupVersionKind},
    core::discovery::ApiResource,
};

/// The namespace of the stores and of the platform.
pub(crate) const NAMESPACE: &str = "tickets";

/// The resource under test, without our own Rust types for it.
pub(crate) fn ticket_platforms(client: &Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("ticketplatform.dev", "v1alpha1", "TicketPlatform");
    Api::namespaced_with(client.clone(), NAMESPACE, &ApiResource::from_gvk(&kind))
}

/// The value of an environment variable that `dev/test` sets.
pub(crate) fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: this test runs under `make test`"))
}
