//! What all pods of the platform have in common. They satisfy the *restricted* pod security level.

use k8s_openapi::api::core::v1::{
    Capabilities, Container, LocalObjectReference, PodSecurityContext, PodSpec, ResourceRequirements, SeccompProfile,
    SecurityContext,
};

use crate::api::{Resources, TicketPlatformSpec};

/// The user and the group of every program. The images use the same number.
const USER: i64 = 65_532;

/// A pod with one container.
pub fn spec(spec: &TicketPlatformSpec, container: Container) -> PodSpec {
    let secrets = &spec.images.pull_secrets;
    let references = secrets.iter().map(|secret| LocalObjectReference { name: secret.name.clone() }).collect();
    PodSpec {
        containers: vec![container],
        image_pull_secrets: (!secrets.is_empty()).then_some(references),
        automount_service_account_token: Some(false),
        // A Service named `kafka` would inject variables such as KAFKA_PORT, which look like settings.
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None }),
            ..PodSecurityContext::default()
        }),
        ..PodSpec::default()
    }
}

/// A container without any privilege.
pub fn container(spec: &TicketPlatformSpec, name: &str, image: String) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(image),
        image_pull_policy: Some(spec.images.pull_policy.as_str().to_owned()),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

/// CPU and memory in the form that a container takes.
pub fn resources(resources: &Resources) -> ResourceRequirements {
    ResourceRequirements {
        requests: (!resources.requests.is_empty()).then(|| resources.requests.clone()),
        limits: (!resources.limits.is_empty()).then(|| resources.limits.clone()),
        ..ResourceRequirements::default()
    }
}
