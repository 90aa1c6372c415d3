//! The steps that change objects in Kubernetes.

use std::fmt::Debug;

use k8s_openapi::{
    NamespaceResourceScope,
    api::{apps::v1::Deployment, batch::v1::Job, core::v1::ConfigMap, policy::v1::PodDisruptionBudget},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    api::{FINALIZER, TicketPlatform},
    decide::{Kind, Object},
    names::{self, FIELD_MANAGER},
};

/// Applies an object. The API server writes nothing when the object is already so.
pub(crate) async fn apply(client: &Client, object: &Object) -> kube::Result<()> {
    match object {
        Object::ServiceAccount(object) => apply_one(client, object).await,
        Object::ConfigMap(object) => apply_one(client, object).await,
        Object::Deployment(object) => apply_one(client, object.as_ref()).await,
        Object::Service(object) => apply_one(client, object.as_ref()).await,
        Object::PodDisruptionBudget(object) => apply_one(client, object).await,
    }
}

async fn apply_one<K>(client: &Client, object: &K) -> kube::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + Serialize + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), object.meta().namespace.as_deref().unwrap_or_default());
    api.patch(&object.name_any(), &PatchParams::apply(FIELD_MANAGER).force(), &Patch::Apply(object)).await.map(drop)
}

/// Creates a Job. Its name contains the hash of what it works with, so a Job of this name is the wanted one.
pub(crate) async fn create_job(client: &Client, job: &Job) -> kube::Result<()> {
    let api: Api<Job> = Api::namespaced(client.clone(), job.metadata.namespace.as_deref().unwrap_or_default());
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    match api.create(&parameters, job).await {
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => Ok(()),
        result => result.map(drop),
    }
}

/// Deletes a Job and its pod.
pub(crate) async fn delete_job(client: &Client, platform: &TicketPlatform, name: &str) -> kube::Result<()> {
    delete::<Job>(client, platform, name).await
}

/// Deletes an object that is not needed any more.
pub(crate) async fn remove(client: &Client, platform: &TicketPlatform, kind: Kind, name: &str) -> kube::Result<()> {
    match kind {
        Kind::ConfigMap => delete::<ConfigMap>(client, platform, name).await,
        Kind::Deployment => delete::<Deployment>(client, platform, name).await,
        Kind::PodDisruptionBudget => delete::<PodDisruptionBudget>(client, platform, name).await,
    }
}

async fn delete<K>(client: &Client, platform: &TicketPlatform, name: &str) -> kube::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), names::namespace(platform));
    match api.delete(name, &DeleteParams::background()).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        result => result.map(drop),
    }
}

/// Puts the operator's finalizer on the resource.
pub(crate) async fn add_finalizer(client: &Client, platform: &TicketPlatform) -> kube::Result<()> {
    let mut finalizers = platform.finalizers().to_vec();
    finalizers.push(FINALIZER.to_owned());
    set_finalizers(client, platform, &finalizers).await
}

/// Takes the operator's finalizer off the resource.
pub(crate) async fn remove_finalizer(client: &Client, platform: &TicketPlatform) -> kube::Result<()> {
    let mut finalizers = platform.finalizers().to_vec();
    finalizers.retain(|name| name != FINALIZER);
    match set_finalizers(client, platform, &finalizers).await {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        result => result,
    }
}

/// Writes the whole list of finalizers. The resource version makes sure that no other client has changed the metadata
/// meanwhile, and the uid that the list does not end up on a new resource of the same name.
async fn set_finalizers(client: &Client, platform: &TicketPlatform, finalizers: &[String]) -> kube::Result<()> {
    let api: Api<TicketPlatform> = Api::namespaced(client.clone(), names::namespace(platform));
    let current = api.get_metadata(names::platform_name(platform)).await?;
    let patch = json!({"metadata": {
        "uid": platform.metadata.uid,
        "resourceVersion": current.metadata.resource_version,
        "finalizers": finalizers,
    }});
    api.patch(names::platform_name(platform), &PatchParams::default(), &Patch::Merge(&patch)).await.map(drop)
}
