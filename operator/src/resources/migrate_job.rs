//! The Job that applies a release's migrations of one kind.

use k8s_openapi::api::batch::v1::Job;

use super::{
    environment,
    job::{self, Attempt, Program},
};
use crate::{api::TicketPlatform, hash, names, observed::JobKind};

/// The hash of what the Job works with: image, kind and database. Equal keys give equal results.
pub fn key(platform: &TicketPlatform, kind: JobKind) -> String {
    let spec = &platform.spec;
    let image = names::image(&spec.images.registry, "migrate", &spec.version);
    let postgres = &spec.postgres;
    hash::of([image.as_str(), kind.as_str(), &postgres.host, &postgres.port.to_string(), &postgres.database])
}

pub fn build(platform: &TicketPlatform, attempt: &Attempt<'_>) -> Job {
    let kind = if attempt.kind == JobKind::MigrateAfter { "after" } else { "before" };
    let mut variables = environment::variables(environment::database(&platform.spec));
    variables.extend(environment::database_role(&platform.spec.postgres.migration.secret));
    let program = Program { name: "migrate", arguments: &["up", "--kind", kind], environment: variables };
    job::build(platform, &platform.spec, attempt, program)
}
