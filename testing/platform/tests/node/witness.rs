//! A check of the order in which things happen. The witness watches the pods from before the first one exists. When a pod of
//! a service appears, it checks that everything that must come before is there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures::TryStreamExt;
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    Api, Client,
    runtime::{WatchStreamExt, watcher},
};
use testbed::repository;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::task::JoinHandle;

use crate::{cluster::NAMESPACE, stores::ClusterStores};

const SERVICES: [&str; 3] = ["event-management", "booking", "search"];

/// The timestamps of pods are whole seconds; others have fractions.
const TIMESTAMP_PRECISION: Duration = Duration::from_secs(1);

/// What must be there before the services of a version may start, by the version's own files.
#[derive(Clone)]
pub(crate) struct Needs {
    pub version: &'static str,
    pub index_file: &'static str,
    pub feed_file: &'static str,
}

impl Needs {
    /// The index that the version reads: the first twelve hexadecimal digits of its definition's SHA-256.
    pub(crate) fn index(&self) -> Result<String> {
        let definition = std::fs::read(repository().join(self.index_file))?;
        Ok(release::index_name("events", &release::short_hash(&definition)))
    }

    fn tables(&self) -> Result<Vec<String>> {
        let feed: serde_json::Value = serde_json::from_slice(&std::fs::read(repository().join(self.feed_file))?)?;
        Ok(serde_json::from_value(feed["tables"].clone())?)
    }
}

/// A watch that runs until [`Witness::verdict`].
pub(crate) struct Witness {
    seen: Arc<Mutex<BTreeMap<String, Result<()>>>>,
    watching: JoinHandle<Result<()>>,
}

impl Witness {
    /// Starts watching for pods of this version's services.
    pub(crate) fn start(client: &Client, needs: Needs) -> Result<Self> {
        let stores = ClusterStores::new(client.clone())?;
        let client = client.clone();
        let seen: Arc<Mutex<BTreeMap<String, Result<()>>>> = Arc::default();
        let record = Arc::clone(&seen);
        let watching = tokio::spawn(async move {
            let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
            let stream = watcher(pods, watcher::Config::default()).default_backoff().applied_objects();
            let mut stream = std::pin::pin!(stream);
            while let Some(pod) = stream.try_next().await? {
                let name = pod.metadata.name.clone().unwrap_or_default();
                if !is_service_of(&pod, needs.version) || record.lock().expect("no holder panics").contains_key(&name) {
                    continue;
                }
                let verdict = judge(&client, &stores, &needs, &pod).await;
                record.lock().expect("no holder panics").insert(name, verdict);
            }
            Ok(())
        });
        Ok(Self { seen, watching })
    }

    /// Ends the watch. It is an error when a service was not seen, or when something was missing at that moment.
    pub(crate) fn verdict(self) -> Result<()> {
        ensure!(!self.watching.is_finished(), "the witness stopped watching");
        self.watching.abort();
        let seen = std::mem::take(&mut *self.seen.lock().expect("no holder panics"));
        for service in SERVICES {
            ensure!(
                seen.keys().any(|pod| pod.contains(service)),
                "no pod of {service} was seen, only {:?}",
                seen.keys()
            );
        }
        for (pod, verdict) in seen {
            verdict.with_context(|| format!("when pod {pod} appeared"))?;
        }
        Ok(())
    }
}

fn images(pod: &Pod) -> impl Iterator<Item = &str> {
    pod.spec.iter().flat_map(|spec| &spec.containers).filter_map(|container| container.image.as_deref())
}

fn is_service_of(pod: &Pod, version: &str) -> bool {
    let of_a_job = pod.metadata.owner_references.iter().flatten().any(|owner| owner.kind == "Job");
    !of_a_job
        && images(pod).any(|image| SERVICES.iter().any(|service| image.ends_with(&format!("/{service}:{version}"))))
}

async fn judge(client: &Client, stores: &ClusterStores, needs: &Needs, pod: &Pod) -> Result<()> {
    let created = pod.metadata.creation_timestamp.as_ref().context("a pod has a creation timestamp")?;
    let created = OffsetDateTime::parse(&created.0.to_string(), &Rfc3339)?;
    migrated_before(client, needs.version, created).await?;
    index_filled_before(stores, &needs.index()?, created).await?;
    feed_runs(stores, &needs.tables()?).await
}

async fn migrated_before(client: &Client, version: &str, created: OffsetDateTime) -> Result<()> {
    let jobs: Api<Job> = Api::namespaced(client.clone(), NAMESPACE);
    let jobs = jobs.list(&Default::default()).await?;
    let suffix = format!("/migrate:{version}");
    let done = jobs.items.iter().filter(|job| {
        let spec = job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        spec.is_some_and(|spec| spec.containers.iter().any(|c| c.image.as_ref().is_some_and(|i| i.ends_with(&suffix))))
    });
    let completions: Vec<OffsetDateTime> = done
        .filter_map(|job| job.status.as_ref()?.completion_time.as_ref())
        .map(|stamp| OffsetDateTime::parse(&stamp.0.to_string(), &Rfc3339))
        .collect::<Result<_, _>>()?;
    ensure!(
        completions.iter().any(|at| *at <= created),
        "no migration Job of {version} had succeeded: {completions:?}"
    );
    Ok(())
}

async fn index_filled_before(stores: &ClusterStores, index: &str, created: OffsetDateTime) -> Result<()> {
    let answer = stores.elasticsearch(&format!("/{index}/_mapping")).await?;
    let filled = answer[index]["mappings"]["_meta"]["filled_at"].as_str();
    let filled = filled.with_context(|| format!("index {index} was not filled: {answer}"))?;
    let filled = OffsetDateTime::parse(filled, &Rfc3339)?;
    ensure!(
        filled <= created + TIMESTAMP_PRECISION,
        "index {index} was filled at {filled}, the pod created at {created}"
    );
    Ok(())
}

async fn feed_runs(stores: &ClusterStores, tables: &[String]) -> Result<()> {
    let status = stores.connect("/connectors/tickets/status").await?;
    let states: Vec<&str> =
        status["tasks"].as_array().into_iter().flatten().filter_map(|task| task["state"].as_str()).collect();
    ensure!(!states.is_empty() && states.iter().all(|state| *state == "RUNNING"), "the connector's tasks: {status}");
    let config = stores.connect("/connectors/tickets/config").await?;
    let included = config["table.include.list"].as_str().unwrap_or_default().to_owned();
    for table in tables {
        ensure!(included.contains(table.as_str()), "the feed lacks {table}: {included}");
    }
    Ok(())
}
