//! Local copies of everything the operator watches. Every replica keeps them up to date, whether it leads or not.

use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::Job,
    core::v1::{ConfigMap, Pod, Service, ServiceAccount},
    policy::v1::PodDisruptionBudget,
};
use kube::runtime::reflector::{ObjectRef, Store};

use crate::{api::TicketPlatform, names};

/// One store for each kind that is watched.
#[derive(Clone)]
pub(crate) struct Caches {
    pub platforms: Store<TicketPlatform>,
    pub jobs: Store<Job>,
    pub deployments: Store<Deployment>,
    pub pods: Store<Pod>,
    pub config_maps: Store<ConfigMap>,
    pub services: Store<Service>,
    pub service_accounts: Store<ServiceAccount>,
    pub disruption_budgets: Store<PodDisruptionBudget>,
}

impl Caches {
    /// Waits until each store has been filled once.
    ///
    /// # Errors
    /// When a watch has ended. That happens only when the program ends.
    pub(crate) async fn wait_until_ready(&self) -> Result<(), kube::runtime::reflector::store::WriterDropped> {
        self.platforms.wait_until_ready().await?;
        self.jobs.wait_until_ready().await?;
        self.deployments.wait_until_ready().await?;
        self.pods.wait_until_ready().await?;
        self.config_maps.wait_until_ready().await?;
        self.services.wait_until_ready().await?;
        self.service_accounts.wait_until_ready().await?;
        self.disruption_budgets.wait_until_ready().await
    }
}

/// The platform that an object of the operator belongs to, by its labels.
pub(crate) fn platform_of<K: kube::Resource>(object: &K) -> Option<ObjectRef<TicketPlatform>> {
    let instance = object.meta().labels.as_ref()?.get(names::INSTANCE)?;
    Some(ObjectRef::new(instance).within(object.meta().namespace.as_deref()?))
}

/// Objects of one platform.
pub(crate) fn of_platform<K>(store: &Store<K>, platform: &TicketPlatform) -> Vec<std::sync::Arc<K>>
where
    K: kube::Resource<DynamicType = ()> + Clone + 'static,
{
    let wanted = ObjectRef::<TicketPlatform>::new(names::platform_name(platform)).within(names::namespace(platform));
    store.state_filter(|object| platform_of(object).as_ref() == Some(&wanted))
}
