//! What the platform's Jobs have in common: one pod, which is tried once. The operator decides about a retry, because
//! it knows which failures pass by themselves.

use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{Container, EnvVar, PodSpec, PodTemplateSpec},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};

use super::{owned_metadata, pod};
use crate::{
    api::{Resources, TicketPlatform, TicketPlatformSpec},
    names,
    observed::JobKind,
};

/// The program may take this many seconds to end: rolling a statement back takes time.
const TERMINATION_SECONDS: i64 = 60;

/// Which attempt of which Job to build.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    pub kind: JobKind,
    /// The hash of what it works with.
    pub key: &'a str,
    /// The number of the attempt, from 1.
    pub number: u32,
}

/// What the Job's one container runs.
pub struct Program<'a> {
    /// The name of the program and of its image.
    pub name: &'a str,
    pub arguments: &'a [&'a str],
    pub environment: Vec<EnvVar>,
}

/// Builds a Job from a specification, which is not the resource's own after a failed rollout.
pub fn build(platform: &TicketPlatform, spec: &TicketPlatformSpec, attempt: &Attempt<'_>, program: Program<'_>) -> Job {
    let mut labels = names::labels(platform, attempt.kind.as_str());
    labels.insert(names::VERSION.to_owned(), spec.version.clone());
    labels.insert(names::JOB_KIND.to_owned(), attempt.kind.as_str().to_owned());
    labels.insert(names::JOB_KEY.to_owned(), attempt.key.to_owned());
    labels.insert(names::JOB_ATTEMPT.to_owned(), attempt.number.to_string());

    let name = names::job(platform, attempt.kind, attempt.key, attempt.number);
    let mut metadata = owned_metadata(platform, name, labels.clone());
    let generation = platform.metadata.generation.unwrap_or_default().to_string();
    metadata.annotations = Some([(names::GENERATION.to_owned(), generation)].into());

    let image = names::image(&spec.images.registry, program.name, &spec.version);
    let container = Container {
        args: Some(program.arguments.iter().map(|&argument| argument.to_owned()).collect()),
        env: Some(program.environment),
        resources: Some(pod::resources(&Resources::default())),
        ..pod::container(spec, program.name, image)
    };
    Job {
        metadata,
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(labels), ..ObjectMeta::default() }),
                spec: Some(PodSpec {
                    restart_policy: Some("Never".into()),
                    termination_grace_period_seconds: Some(TERMINATION_SECONDS),
                    ..pod::spec(spec, container)
                }),
            },
            ..JobSpec::default()
        }),
        ..Job::default()
    }
}
