//! Names, labels and annotations of everything that the operator makes.

use std::collections::BTreeMap;

use crate::{api::TicketPlatform, component::Component, observed::JobKind};

/// The field manager of the operator's server-side applies.
pub(crate) const FIELD_MANAGER: &str = "ticket-operator";
/// Label: the TicketPlatform that an object belongs to.
pub(crate) const INSTANCE: &str = "app.kubernetes.io/instance";
/// Label: the service or Job that an object belongs to.
pub(crate) const COMPONENT: &str = "app.kubernetes.io/component";
/// Label: the release that a pod runs.
pub(crate) const VERSION: &str = "app.kubernetes.io/version";
/// Label: the program that made an object.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Selects everything that the operator made.
pub(crate) const MANAGED_SELECTOR: &str = "app.kubernetes.io/managed-by=ticket-operator";
/// Label of a Job: its kind.
pub(crate) const JOB_KIND: &str = "ticketplatform.dev/job";
/// Label of a Job: the hash of what it works with.
pub(crate) const JOB_KEY: &str = "ticketplatform.dev/key";
/// Label of a Job: the number of the attempt.
pub(crate) const JOB_ATTEMPT: &str = "ticketplatform.dev/attempt";
/// Annotation of a Job: the resource's generation.
pub(crate) const GENERATION: &str = "ticketplatform.dev/generation";
/// Annotation of Deployments and their pods: the hash of everything that the pods are made of.
pub(crate) const REVISION: &str = "ticketplatform.dev/revision";
/// Annotation of pods: the ConfigMap with their settings.
pub(crate) const CONFIG: &str = "ticketplatform.dev/config";
/// Annotation of pods: changes when a Secret that they use changes.
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

/// The name of a service's Deployment, Service, ServiceAccount and PodDisruptionBudget.
pub(crate) fn workload(platform: &TicketPlatform, component: Component) -> String {
    format!("{}-{}", platform_name(platform), component.as_str())
}

/// The name of an attempt of a Job. The first attempt has no number, because usually there is only one.
pub(crate) fn job(platform: &TicketPlatform, kind: JobKind, key: &str, attempt: u32) -> String {
    let name = format!("{}-{}-{key}", platform_name(platform), kind.as_str());
    if attempt <= 1 { name } else { format!("{name}-{attempt}") }
}

/// The labels that say what an object belongs to.
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

/// The labels by which a Deployment finds its pods. They must never change: the API server refuses that.
pub(crate) fn selector(platform: &TicketPlatform, component: Component) -> BTreeMap<String, String> {
    let mut labels = labels(platform, component.as_str());
    labels.retain(|name, _| name == INSTANCE || name == COMPONENT);
    labels
}

/// `<registry>/<program>:<version>`
pub(crate) fn image(registry: &str, program: &str, version: &str) -> String {
    format!("{}/{program}:{version}", registry.trim_end_matches('/'))
}

/// The host as the operator reaches it. A name without a dot is a Service in the platform's namespace, and the operator
/// runs in another namespace.
pub(crate) fn host_in_namespace(host: &str, namespace: &str) -> String {
    if host.contains(['.', ':']) || host == "localhost" { host.to_owned() } else { format!("{host}.{namespace}.svc") }
}

/// Does the same for a base URL `scheme://host[:port]`.
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
