//! An upgrade to a release whose migration PostgreSQL refuses.

use anyhow::{Context, Result, ensure};
use client::buy;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::ListParams};

use super::{BROKEN, CORRECTED, SECOND};
use crate::{cluster::NAMESPACE, platform::Platform};

/// SQLSTATE `undefined_column`.
const UNDEFINED_COLUMN: &str = "42703";

pub(crate) async fn a_broken_migration_leaves_the_old_version_serving_and_says_why(platform: &Platform) -> Result<()> {
    platform.set_version(BROKEN).await?;
    let stalled = platform.wait_for("Stalled", "True").await?;
    for part in ["before/", ".sql", "alter table", UNDEFINED_COLUMN] {
        ensure!(stalled.message.contains(part), "the message lacks {part:?}: {}", stalled.message);
    }
    let ready = platform.condition("Ready").await?;
    ensure!(ready.status == "False", "{ready:?}");
    ensure!(services_of(platform, BROKEN).await?.is_empty(), "pods of the broken version run");
    ensure!(!services_of(platform, SECOND.version).await?.is_empty(), "no pod of the old version runs");
    buy(&platform.customer()?, "").await.context("the old version still sells")?;
    Ok(())
}

pub(crate) async fn setting_the_version_back_recovers(platform: &Platform) -> Result<()> {
    platform.set_version(SECOND.version).await?;
    recovered(platform).await
}

pub(crate) async fn setting_the_version_forward_to_a_corrected_one_recovers(platform: &Platform) -> Result<()> {
    platform.set_version(BROKEN).await?;
    platform.wait_for("Stalled", "True").await?;
    platform.set_version(CORRECTED).await?;
    recovered(platform).await?;
    ensure!(!services_of(platform, CORRECTED).await?.is_empty(), "no pod of the corrected version runs");
    Ok(())
}

async fn recovered(platform: &Platform) -> Result<()> {
    platform.wait_for("Ready", "True").await?;
    platform.wait_for("Stalled", "False").await?;
    buy(&platform.customer()?, "").await?;
    Ok(())
}

/// The running images of a version, without those of Jobs.
async fn services_of(platform: &Platform, version: &str) -> Result<Vec<String>> {
    let pods: Api<Pod> = Api::namespaced(platform.client.clone(), NAMESPACE);
    let pods = pods.list(&ListParams::default()).await?;
    let serving = pods.items.into_iter().filter(|pod| {
        !pod.metadata.owner_references.iter().flatten().any(|owner| owner.kind == "Job")
            && pod.metadata.deletion_timestamp.is_none()
    });
    let images =
        serving.flat_map(|pod| pod.spec.unwrap_or_default().containers).filter_map(|container| container.image);
    Ok(images.filter(|image| image.ends_with(&format!(":{version}"))).collect())
}
