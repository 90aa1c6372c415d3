//! Builds Kubernetes objects, one file for each kind. The builders are pure: equal input gives equal objects.

pub mod config_map;
pub mod connector;
pub mod deployment;
pub mod environment;
pub mod index_job;
pub mod job;
pub mod migrate_job;
pub mod pod;
pub mod pod_disruption_budget;
pub mod service;
pub mod service_account;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;

use crate::{
    api::{RecordedRelease, TicketPlatform, TicketPlatformSpec},
    names,
};

/// What a revision of the services is built from: a specification and the release that it names. Normally they are the
/// resource's own; after a failed rollout they are those of the last good revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub spec: TicketPlatformSpec,
    pub release: RecordedRelease,
}

impl Target {
    /// The name of the index that this revision reads and writes.
    pub fn index(&self) -> String {
        release::index_name(&self.spec.elasticsearch.index_prefix, &self.release.description.index.hash)
    }
}

/// The metadata of an object that Kubernetes deletes together with the platform.
fn owned_metadata(platform: &TicketPlatform, name: String, labels: BTreeMap<String, String>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(names::namespace(platform).to_owned()),
        labels: Some(labels),
        owner_references: platform.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}
