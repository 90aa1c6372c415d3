//! Names, labels and annotations of everything the operator makes.

use std::collections::BTreeMap;

use crate::{api::TicketPlatform, component::Component, observed::JobKind};

/// Field manager of the operator's server-side applies.
pub(crate) const FIELD_MANAGER: &str = "ticket-operator";
/// Label: the TicketPlatform an object belongs to.
pub(crate) const INSTANCE: &str = "app.kubernetes.io/instance";
/// Label: the service or Job an object belongs to.
pub(crate) const COMPONENT: &str = "app.kubernetes.io/component";
/// Label: the release a pod runs.
pub(crate) const VERSION: &str = "app.kubernetes.io/version";
/// Label: who made it.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Selects everything the operator made.
pub(crate) const MANAGED_SELECTOR: &str = "app.kubernetes.io/managed-by=ticket-operator";
/// Label of a Job: which one.
pub(crate) const JOB_KIND: &str = "ticketplatform.dev/job";
/// Label of a Job: hash of what it works with.
pub(crate) const JOB_KEY: &str = "ticketplatform.dev/key";
/// Label of a Job: number of the attempt.
pub(crate) const JOB_ATTEMPT: &str = "ticketplatform.dev/attempt";
/// Annotation of a Job: the resource's generation.
pub(crate) const GENERATION: &str = "ticketplatform.dev/generation";
/// Annotation of Deployments and their pods: hash of all that the pods are made of.
pub(crate) const REVISION: &str = "ticketplatform.dev/revision";
/// Annotation of pods: the ConfigMap with their settings.
pub(crate) const CONFIG: &str = "ticketplatform.dev/config";
/// Annotation of pods: changes when a Secret they use does.
pub(crate) const SECRETS: &str = "ticketplatform.dev/secrets";
/// Label that Kubernetes puts on a Job's pods.
pub(crate) const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// The platform's name. It is empty only for a resource that the API server never saw: a reconcile refuses that one.
pub(crate) fn platform_name(platform: &TicketPlatform) -> &str {
    platform.metadata.name.as_deref().unwrap_or_default()
}

/// The platform's namespace, with the same promise as its name.
pub(crate) fn namespace(platform: &TicketPlatform) -> &str {
    platform.metadata.namespace.as_deref().unwrap_or_default()
}

/// Name of a service's Deployment, Service, ServiceAccount and PodDisruptionBudget.
pub(crate) fn workload(platform: &TicketPlatform, component: Component) -> String {
    format!("{}-{}", platform_name(platform), component.as_str())
}

/// Name of an attempt of a Job. The first attempt carries no number: the usual case reads best.
pub(crate) fn job(platform: &TicketPlatform, kind: JobKind, key: &str, attempt: u32) -> String {
    let name = format!("{}-{}-{key}", platform_name(platform), kind.as_str());
    if attempt <= 1 { name } else { format!("{name}-{attempt}") }
}

/// Labels that say what an object belongs to.
pub(crate) fn labels(platform: &TicketPlatform, component: &str) -> BTreeMap<String, String> {
    [
        ("app.kubernetes.io/name", component),
        (INSTANCE, platform_name(platform)),
        (COMPONENT, component),
        (MANAGED_BY, FIELD_MANAGER),
        ("app.kubernetes.io/part-of", "ticket-platform"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// Labels a Deployment finds its pods by. They must never change: the API server refuses it.
pub(crate) fn selector(platform: &TicketPlatform, component: Component) -> BTreeMap<String, String> {
    let mut labels = labels(platform, component.as_str());
    labels.retain(|name, _| name == INSTANCE || name == COMPONENT);
    labels
}

/// `<registry>/<program>:<version>`
pub(crate) fn image(registry: &str, program: &str, version: &str) -> String {
    format!("{}/{program}:{version}", registry.trim_end_matches('/'))
}

/// A host as the operator reaches it: a name without a dot is a Service in the platform's namespace, and the operator
/// runs in another one.
pub(crate) fn host_in_namespace(host: &str, namespace: &str) -> String {
    if host.contains(['.', ':']) || host == "localhost" { host.to_owned() } else { format!("{host}.{namespace}.svc") }
}

/// The same for a base URL `scheme://host[:port]`.
pub(crate) fn url_in_namespace(url: &str, namespace: &str) -> String {
    let Some((scheme, authority)) = url.split_once("://") else { return url.to_owned() };
    match authority.split_once(':') {
        Some((host, port)) => format!("{scheme}://{}:{port}", host_in_namespace(host, namespace)),
        None => format!("{scheme}://{}", host_in_namespace(authority, namespace)),
    }
}

#[cfg(test)]
mod tests {
    use super::{host_in_namespace, url_in_namespace};

    #[test]
    fn short_hosts_are_services_of_the_platforms_namespace() {
        assert_eq!(host_in_namespace("postgres", "tickets"), "postgres.tickets.svc");
        assert_eq!(host_in_namespace("db.example.org", "tickets"), "db.example.org");
        assert_eq!(host_in_namespace("10.0.0.7", "tickets"), "10.0.0.7");
        assert_eq!(host_in_namespace("localhost", "tickets"), "localhost");
        assert_eq!(url_in_namespace("http://connect:8083", "tickets"), "http://connect.tickets.svc:8083");
        assert_eq!(url_in_namespace("https://connect", "tickets"), "https://connect.tickets.svc");
    }
}
