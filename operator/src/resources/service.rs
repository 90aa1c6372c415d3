//! The Kubernetes Service in front of a service's pods.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::owned_metadata;
use crate::{
    api::{TicketPlatform, TicketPlatformSpec},
    component::Component,
    names,
};

pub fn build(platform: &TicketPlatform, component: Component, spec: &TicketPlatformSpec) -> Service {
    let wanted = &component.workload(spec).service;
    let port = ServicePort {
        name: Some("http".into()),
        app_protocol: Some("http".into()),
        protocol: Some("TCP".into()),
        port: wanted.port.unwrap_or(component.port()),
        target_port: Some(IntOrString::String("http".into())),
        node_port: wanted.node_port,
    };
    Service {
        metadata: owned_metadata(
            platform,
            names::workload(platform, component),
            names::labels(platform, component.as_str()),
        ),
        spec: Some(ServiceSpec {
            type_: Some(wanted.type_.as_str().into()),
            selector: Some(names::selector(platform, component)),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
