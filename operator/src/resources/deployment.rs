//! The pods of a service.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            ConfigMapEnvSource, Container, ContainerPort, EnvFromSource, HTTPGetAction, Lifecycle, LifecycleHandler,
            PodSpec, PodTemplateSpec, Probe, SleepAction,
        },
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};

use super::{Target, config_map, environment, owned_metadata, pod};
use crate::{api::TicketPlatform, component::Component, hash, names};

/// A pod goes on serving for this many seconds after it is told to end, until kube-proxy and ingress send it no
/// requests.
const DRAIN_SECONDS: i64 = 3;
/// A pod may take this many seconds to end, with the requests in flight.
const TERMINATION_SECONDS: i64 = 45;
/// The number of old ReplicaSets that are kept for people to look at. The operator needs none.
const REVISION_HISTORY: i32 = 2;

/// Builds the Deployment. `secrets` changes when a Secret that the pods use changes.
pub fn build(platform: &TicketPlatform, component: Component, target: &Target, secrets: &str) -> Deployment {
    let workload = component.workload(&target.spec);
    let template = template(platform, component, target, secrets);
    let revision =
        template.metadata.as_ref().and_then(|metadata| metadata.annotations.as_ref()?.get(names::REVISION)).cloned();
    let labels = with_version(names::labels(platform, component.as_str()), target);
    let mut metadata = owned_metadata(platform, names::workload(platform, component), labels);
    metadata.annotations = revision.map(|revision| BTreeMap::from([(names::REVISION.to_owned(), revision)]));
    Deployment {
        metadata,
        spec: Some(DeploymentSpec {
            replicas: Some(workload.replicas),
            selector: LabelSelector {
                match_labels: Some(names::selector(platform, component)),
                ..LabelSelector::default()
            },
            // A new pod must be ready before the pod that it replaces ends.
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".into()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_unavailable: Some(IntOrString::Int(0)),
                    max_surge: Some(IntOrString::Int(1)),
                }),
            }),
            progress_deadline_seconds: Some(target.spec.progress_deadline_seconds),
            revision_history_limit: Some(REVISION_HISTORY),
            template,
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

/// The hash of everything that a service's pods are made of.
pub fn revision(platform: &TicketPlatform, component: Component, target: &Target, secrets: &str) -> String {
    let annotations = template(platform, component, target, secrets).metadata.and_then(|metadata| metadata.annotations);
    annotations.and_then(|mut annotations| annotations.remove(names::REVISION)).unwrap_or_default()
}

fn template(platform: &TicketPlatform, component: Component, target: &Target, secrets: &str) -> PodTemplateSpec {
    let overlay = &component.workload(&target.spec).pod_template;
    let config = config_map::build(platform, component, target).metadata.name.unwrap_or_default();
    let mut labels = overlay.labels.clone();
    labels.extend(with_version(names::labels(platform, component.as_str()), target));
    let mut annotations = overlay.annotations.clone();
    annotations.insert(names::CONFIG.to_owned(), config.clone());
    annotations.insert(names::SECRETS.to_owned(), secrets.to_owned());
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(labels), annotations: Some(annotations), ..ObjectMeta::default() }),
        spec: Some(pod_spec(platform, component, target, config)),
    };
    let revision = hash::of([serde_json::to_string(&template).unwrap_or_default().as_str()]);
    if let Some(annotations) = template.metadata.as_mut().and_then(|metadata| metadata.annotations.as_mut()) {
        annotations.insert(names::REVISION.to_owned(), revision);
    }
    template
}

fn with_version(mut labels: BTreeMap<String, String>, target: &Target) -> BTreeMap<String, String> {
    labels.insert(names::VERSION.to_owned(), target.spec.version.clone());
    labels
}

fn pod_spec(platform: &TicketPlatform, component: Component, target: &Target, config: String) -> PodSpec {
    let overlay = &component.workload(&target.spec).pod_template;
    PodSpec {
        service_account_name: Some(names::workload(platform, component)),
        termination_grace_period_seconds: Some(TERMINATION_SECONDS),
        node_selector: (!overlay.node_selector.is_empty()).then(|| overlay.node_selector.clone()),
        tolerations: (!overlay.tolerations.is_empty()).then(|| overlay.tolerations.clone()),
        affinity: overlay.affinity.clone(),
        topology_spread_constraints: (!overlay.topology_spread_constraints.is_empty())
            .then(|| overlay.topology_spread_constraints.clone()),
        priority_class_name: overlay.priority_class_name.clone(),
        ..pod::spec(&target.spec, container(component, target, config))
    }
}

fn container(component: Component, target: &Target, config: String) -> Container {
    let spec = &target.spec;
    let image = names::image(&spec.images.registry, component.as_str(), &spec.version);
    let settings = ConfigMapEnvSource { name: config, optional: None };
    Container {
        ports: Some(vec![ContainerPort {
            name: Some("http".into()),
            container_port: component.port(),
            protocol: Some("TCP".into()),
            ..ContainerPort::default()
        }]),
        env_from: Some(vec![EnvFromSource { config_map_ref: Some(settings), ..EnvFromSource::default() }]),
        env: Some(environment::secrets_of_service(component, spec)),
        resources: Some(pod::resources(&component.workload(spec).resources)),
        startup_probe: Some(Probe { period_seconds: Some(1), failure_threshold: Some(60), ..probe("/livez") }),
        liveness_probe: Some(Probe { period_seconds: Some(10), failure_threshold: Some(6), ..probe("/livez") }),
        readiness_probe: Some(Probe { period_seconds: Some(2), failure_threshold: Some(3), ..probe("/readyz") }),
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction { seconds: DRAIN_SECONDS }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        ..pod::container(spec, component.as_str(), image)
    }
}

fn probe(path: &str) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("http".into()),
            ..HTTPGetAction::default()
        }),
        timeout_seconds: Some(3),
        ..Probe::default()
    }
}
