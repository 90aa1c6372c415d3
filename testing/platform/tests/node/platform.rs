//! The `TicketPlatform` under test: it is applied, its version changes, and its conditions are waited for.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use client::{Customer, Shop};
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use testbed::{repository, within};

use crate::{
    cluster::{ticket_platforms, variable},
    stores::ClusterStores,
};

/// The name of the resource in `examples/`.
pub(crate) const NAME: &str = "box-office";
/// The time from an empty cluster to Ready. It takes seconds on an idle machine and minutes on a busy one.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// The platform under test and the ways to look at it.
pub(crate) struct Platform {
    pub client: Client,
    pub resources: Api<DynamicObject>,
    pub stores: ClusterStores,
    pub shop: Shop,
}

/// A condition of the resource, valid for its present generation.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    pub r#type: String,
    pub status: String,
    #[serde(default)]
    pub message: String,
    pub observed_generation: i64,
}

impl Platform {
    /// Connects to the platform that the environment names.
    pub(crate) async fn from_environment() -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(variable("TEST_KUBECONFIG")?)?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        let ports: Vec<u16> = variable("TEST_SHOP_PORTS")?
            .split(' ')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .context("TEST_SHOP_PORTS")?;
        let ports = ports.try_into().map_err(|_| anyhow::anyhow!("TEST_SHOP_PORTS names three ports"))?;
        Ok(Self {
            resources: ticket_platforms(&client),
            stores: ClusterStores::new(client.clone())?,
            shop: Shop::at("127.0.0.1", ports),
            client,
        })
    }

    /// Applies the example of `make up` with this version.
    pub(crate) async fn apply(&self, version: &str) -> Result<()> {
        let path = repository().join("examples/ticketplatform-local.yaml");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let mut resource: Value = serde_yaml::from_str(&text)?;
        resource["spec"]["version"] = json!(version);
        let parameters = PatchParams::apply("platform-test").force();
        self.resources.patch(NAME, &parameters, &Patch::Apply(&resource)).await?;
        Ok(())
    }

    /// Changes the version only.
    pub(crate) async fn set_version(&self, version: &str) -> Result<()> {
        let change = json!({"spec": {"version": version}});
        self.resources.patch(NAME, &PatchParams::default(), &Patch::Merge(&change)).await?;
        Ok(())
    }

    /// Requests the deletion of the resource.
    pub(crate) async fn delete(&self) -> Result<()> {
        self.resources.delete(NAME, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Reads a condition. It is an error when the condition is about an older generation.
    pub(crate) async fn condition(&self, r#type: &str) -> Result<Condition> {
        let resource = self.resources.get(NAME).await?;
        let generation = resource.metadata.generation;
        let conditions = resource.data["status"]["conditions"].clone();
        let conditions: Vec<Condition> = serde_json::from_value(conditions).context("there is no status yet")?;
        let condition = conditions.into_iter().find(|condition| condition.r#type == r#type);
        let condition = condition.with_context(|| format!("there is no condition {type}"))?;
        ensure!(Some(condition.observed_generation) == generation, "it is about an older generation: {condition:?}");
        Ok(condition)
    }

    /// Waits until a condition has this status for the present generation.
    pub(crate) async fn wait_for(&self, r#type: &str, status: &str) -> Result<Condition> {
        within(READY_WITHIN, &format!("{type}={status}"), async || {
            let condition = self.condition(r#type).await?;
            ensure!(condition.status == status, "{condition:?}; {}", self.summary().await);
            Ok(condition)
        })
        .await
    }

    async fn summary(&self) -> String {
        let conditions = match self.resources.get(NAME).await {
            Ok(resource) => resource.data["status"]["conditions"].clone(),
            Err(error) => return error.to_string(),
        };
        let lines = conditions.as_array().into_iter().flatten().map(|condition| {
            let part = |key| condition[key].as_str().unwrap_or_default().to_owned();
            format!("{}={} ({}: {})", part("type"), part("status"), part("reason"), part("message"))
        });
        lines.collect::<Vec<_>>().join("\n  ")
    }

    /// A customer who uses the published ports.
    pub(crate) fn customer(&self) -> Result<Customer> {
        Customer::new(&self.shop)
    }
}
