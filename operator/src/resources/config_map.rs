//! A service's settings, in an object that never changes. Other settings are another object, so a pod that restarts
//! during a rollout finds the settings that it was made for.

use k8s_openapi::api::core::v1::ConfigMap;

use super::{Target, environment, owned_metadata};
use crate::{api::TicketPlatform, component::Component, hash, names};

pub fn build(platform: &TicketPlatform, component: Component, target: &Target) -> ConfigMap {
    let settings = environment::of_service(component, target);
    let content = hash::of(settings.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
    let name = format!("{}-{content}", names::workload(platform, component));
    ConfigMap {
        metadata: owned_metadata(platform, name, names::labels(platform, component.as_str())),
        data: Some(settings),
        immutable: Some(true),
        ..ConfigMap::default()
    }
}
