//! Reads the Secrets that the resource names, one by one: the operator has no right to list them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use crate::{
    api::TicketPlatform,
    backends::postgres::Credentials,
    hash, names,
    observed::{Fact, SecretView},
};

/// The Secrets of a platform, by name.
pub(crate) type Secrets = BTreeMap<String, Fact<Secret>>;

/// Reads all Secrets that the resource names.
pub(crate) async fn read(client: &Client, platform: &TicketPlatform) -> Secrets {
    let api: Api<Secret> = Api::namespaced(client.clone(), names::namespace(platform));
    let postgres = &platform.spec.postgres;
    let mut wanted = vec![&postgres.service.secret, &postgres.migration.secret, &postgres.change_feed.secret];
    wanted.extend(&platform.spec.redis.secret);
    wanted.extend(platform.spec.services.booking.payments.stripe().map(|stripe| &stripe.secret));
    let mut found = Secrets::new();
    for secret in wanted {
        if !found.contains_key(&secret.name) {
            found.insert(secret.name.clone(), read_one(&api, &secret.name).await);
        }
    }
    found
}

async fn read_one(api: &Api<Secret>, name: &str) -> Fact<Secret> {
    match api.get_opt(name).await {
        Ok(Some(secret)) => Fact::Known(secret),
        Ok(None) => Fact::Unknown("not found".to_owned()),
        Err(error) => Fact::Unknown(error.to_string()),
    }
}

/// The parts of the Secrets that are not secret.
pub(crate) fn views(secrets: &Secrets) -> BTreeMap<String, Fact<SecretView>> {
    secrets.iter().map(|(name, secret)| (name.clone(), view(secret))).collect()
}

fn view(secret: &Fact<Secret>) -> Fact<SecretView> {
    match secret {
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
        Fact::Known(secret) => {
            // This is no hash of the content: anyone who may read a Deployment could try passwords against that.
            let metadata = &secret.metadata;
            let parts = [metadata.uid.as_deref(), metadata.resource_version.as_deref()];
            Fact::Known(SecretView {
                stamp: hash::of(parts.into_iter().flatten()),
                username: value(secret, "username"),
            })
        }
    }
}

/// The user name and the password in a Secret.
pub(crate) fn credentials(secrets: &Secrets, name: &str) -> Result<Credentials, String> {
    let secret = match secrets.get(name) {
        Some(Fact::Known(secret)) => secret,
        Some(Fact::Unknown(why)) => return Err(format!("Secret {name}: {why}")),
        None => return Err(format!("Secret {name} was not read")),
    };
    match (value(secret, "username"), value(secret, "password")) {
        (Some(username), Some(password)) => Ok(Credentials { username, password }),
        _ => Err(format!("Secret {name} lacks the key username or password")),
    }
}

fn value(secret: &Secret, key: &str) -> Option<String> {
    let bytes = secret.data.as_ref()?.get(key)?;
    String::from_utf8(bytes.0.clone()).ok()
}
