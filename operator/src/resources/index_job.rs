//! The Job that creates and fills a release's search index.

use k8s_openapi::api::batch::v1::Job;

use super::{
    Target, environment,
    job::{self, Attempt, Program},
};
use crate::{api::TicketPlatform, component::Component, hash, names};

/// The hash of what the Job works with: image, index, and two of its stores.
pub fn key(target: &Target) -> String {
    let spec = &target.spec;
    let image = names::image(&spec.images.registry, Component::Search.as_str(), &spec.version);
    hash::of([image.as_str(), &target.index(), &spec.elasticsearch.url, &spec.kafka.bootstrap_servers])
}

/// Builds the Job. It runs with the service's own settings, so that it fills the very index that the service will use.
pub fn build(platform: &TicketPlatform, target: &Target, attempt: &Attempt<'_>) -> Job {
    let mut variables = environment::variables(environment::of_service(Component::Search, target));
    variables.extend(environment::secrets_of_service(Component::Search, &target.spec));
    let program = Program { name: "search", arguments: &["prepare-index"], environment: variables };
    job::build(platform, &target.spec, attempt, program)
}
