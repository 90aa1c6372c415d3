//! A platform without changes: the operator changes nothing, and restores what was deleted.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::Deployment,
        batch::v1::Job,
        core::v1::{ConfigMap, Pod, Service, ServiceAccount},
        policy::v1::PodDisruptionBudget,
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams},
};
use serde::de::DeserializeOwned;
use testbed::within;

use crate::{
    cluster::NAMESPACE,
    platform::{NAME, Platform},
    stores::request,
};

const OPERATOR_NAMESPACE: &str = "ticket-operator";
const OPERATOR_RESTARTS_WITHIN: Duration = Duration::from_secs(120);
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// The second reconcile after a start shows that the first one caused no further change.
const RECONCILES: f64 = 2.0;

pub(crate) async fn a_second_reconcile_of_an_unchanged_resource_changes_no_object(platform: &Platform) -> Result<()> {
    let before = versions(platform).await?;
    restart_operator(&platform.client).await?;
    let after = versions(platform).await?;
    ensure!(before.len() > 10, "too few objects to be the platform's: {before:?}");
    let changed: Vec<_> = after.iter().filter(|(name, version)| before.get(*name) != Some(version)).collect();
    ensure!(changed.is_empty() && before.len() == after.len(), "changed: {changed:?}");
    Ok(())
}

pub(crate) async fn a_deleted_deployment_is_back_within_seconds(platform: &Platform) -> Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(platform.client.clone(), NAMESPACE);
    let all = deployments.list(&ListParams::default()).await?;
    let search = all.items.iter().find(|deployment| deployment.name_any().contains("search"));
    let search = search.context("there is a Deployment of search")?;
    deployments.delete(&search.name_any(), &DeleteParams::default()).await?;
    within(BACK_WITHIN, "a new Deployment", async || {
        let new = deployments.get(&search.name_any()).await?;
        ensure!(new.uid() != search.uid(), "the old one is still there");
        Ok(())
    })
    .await?;
    platform.wait_for("Ready", "True").await?;
    Ok(())
}

/// Every object of the platform with its resourceVersion.
async fn versions(platform: &Platform) -> Result<BTreeMap<String, String>> {
    let client = &platform.client;
    let mut versions = BTreeMap::new();
    versions.extend(versions_of::<Deployment>(client).await?);
    versions.extend(versions_of::<Job>(client).await?);
    versions.extend(versions_of::<Service>(client).await?);
    versions.extend(versions_of::<ServiceAccount>(client).await?);
    versions.extend(versions_of::<ConfigMap>(client).await?);
    versions.extend(versions_of::<PodDisruptionBudget>(client).await?);
    let resource = platform.resources.get(NAME).await?;
    versions.insert(format!("TicketPlatform/{NAME}"), resource.resource_version().unwrap_or_default());
    Ok(versions)
}

async fn versions_of<K>(client: &Client) -> Result<Vec<(String, String)>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
{
    let objects = Api::<K>::namespaced(client.clone(), NAMESPACE).list(&ListParams::default()).await?;
    let entry =
        |object: K| (format!("{}/{}", K::kind(&()), object.name_any()), object.resource_version().unwrap_or_default());
    Ok(objects.items.into_iter().map(entry).collect())
}

/// Replaces the operator's pods and waits until a new pod has reconciled twice.
async fn restart_operator(client: &Client) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), OPERATOR_NAMESPACE);
    let old: Vec<String> = pods.list(&ListParams::default()).await?.items.iter().map(ResourceExt::name_any).collect();
    for pod in &old {
        pods.delete(pod, &DeleteParams::default()).await?;
    }
    within(OPERATOR_RESTARTS_WITHIN, "a reconcile by a new operator", async || {
        let mut most = 0.0_f64;
        for pod in pods.list(&ListParams::default()).await?.items {
            if !old.contains(&pod.name_any()) {
                most = most.max(reconciles(client, &pod.name_any()).await.unwrap_or_default());
            }
        }
        ensure!(most >= RECONCILES, "so far {most}");
        Ok(())
    })
    .await
}

/// The number of reconciles that succeeded, from the pod's metrics.
async fn reconciles(client: &Client, pod: &str) -> Result<f64> {
    let url = format!("/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy/metrics");
    let text = client.request_text(request(&url)?).await?;
    let counts = text
        .lines()
        .filter(|line| line.starts_with("controller_runtime_reconcile_total") && !line.contains("error"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    Ok(counts.sum())
}
