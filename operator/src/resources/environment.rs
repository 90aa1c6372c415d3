//! The settings of the programs, under the names of the contract.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector};

use super::Target;
use crate::{
    api::{BookingSpec, SecretName, TicketPlatformSpec},
    component::Component,
};

/// The place of the index definition in the images of `search` and `migrate`.
const INDEX_DEFINITION_PATH: &str = "/release/index.json";

/// The settings of a service, without secrets.
pub fn of_service(component: Component, target: &Target) -> BTreeMap<String, String> {
    let spec = &target.spec;
    let mut settings = component.workload(spec).env.clone();
    settings.extend(database(spec));
    settings.insert("REDIS_ADDR".into(), spec.redis.address.clone());
    settings.insert("SERVER_ADDR".into(), format!(":{}", component.port()));
    match component {
        Component::EventManagement => {}
        Component::Booking => settings.extend(booking(&spec.services.booking)),
        Component::Search => settings.extend(search(spec)),
    }
    settings
}

/// The settings that say where the database is, without secrets.
pub fn database(spec: &TicketPlatformSpec) -> BTreeMap<String, String> {
    let postgres = &spec.postgres;
    map([
        ("POSTGRES_HOST", postgres.host.clone()),
        ("POSTGRES_PORT", postgres.port.to_string()),
        ("POSTGRES_DBNAME", postgres.database.clone()),
        ("POSTGRES_SSLMODE", postgres.ssl_mode.as_str().to_owned()),
    ])
}

fn booking(spec: &BookingSpec) -> BTreeMap<String, String> {
    let mut settings = map([
        ("HOLD_SECONDS", spec.hold_seconds().to_string()),
        ("HOLD_LIFETIME_SECONDS", spec.hold_lifetime_seconds().to_string()),
        ("MAX_TICKETS_PER_USER", spec.max_tickets_per_user.to_string()),
        ("CURRENCY", spec.currency.clone()),
        ("PAYMENT_PROVIDER", spec.payments.provider().to_owned()),
    ]);
    if let Some(stripe) = spec.payments.stripe() {
        settings.insert("PAYMENT_SECONDS".into(), stripe.payment_seconds.to_string());
        settings.extend(stripe.api_url.iter().map(|url| ("STRIPE_API_URL".to_owned(), url.clone())));
    }
    settings
}

fn search(spec: &TicketPlatformSpec) -> BTreeMap<String, String> {
    map([
        ("KAFKA_LISTENERS", spec.kafka.bootstrap_servers.clone()),
        ("KAFKA_TOPIC_PREFIX", spec.connect.connector.topic_prefix.clone()),
        ("KAFKA_TOPIC_PARTITIONS", spec.kafka.topic_partitions.to_string()),
        ("KAFKA_TOPIC_REPLICATION_FACTOR", spec.kafka.topic_replication_factor.to_string()),
        ("ELASTICSEARCH_ADDR", spec.elasticsearch.url.clone()),
        ("ELASTICSEARCH_INDEX_PREFIX", spec.elasticsearch.index_prefix.clone()),
        ("INDEX_DEFINITION_PATH", INDEX_DEFINITION_PATH.to_owned()),
    ])
}

fn map<const N: usize>(settings: [(&str, String); N]) -> BTreeMap<String, String> {
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The settings as variables of a container.
pub fn variables(settings: BTreeMap<String, String>) -> Vec<EnvVar> {
    settings.into_iter().map(|(name, value)| EnvVar { name, value: Some(value), value_from: None }).collect()
}

/// The user name and the password of a database role, taken from its Secret.
pub fn database_role(secret: &SecretName) -> Vec<EnvVar> {
    vec![from_secret("POSTGRES_USER", secret, "username"), from_secret("POSTGRES_PASSWORD", secret, "password")]
}

/// The secrets of a service: its database role, the password of Redis if there is one, and the keys of Stripe for
/// booking.
pub fn secrets_of_service(component: Component, spec: &TicketPlatformSpec) -> Vec<EnvVar> {
    let mut variables = database_role(&spec.postgres.service.secret);
    variables.extend(spec.redis.secret.as_ref().map(|secret| from_secret("REDIS_PASSWORD", secret, "password")));
    if let (Component::Booking, Some(stripe)) = (component, spec.services.booking.payments.stripe()) {
        variables.push(from_secret("STRIPE_SECRET_KEY", &stripe.secret, "secret-key"));
        variables.push(from_secret("STRIPE_WEBHOOK_SECRET", &stripe.secret, "webhook-secret"));
    }
    variables
}

/// The names of the Secrets that the services' pods use.
pub fn secret_names(spec: &TicketPlatformSpec) -> Vec<&str> {
    let mut names = vec![spec.postgres.service.secret.name.as_str()];
    names.extend(spec.redis.secret.as_ref().map(|secret| secret.name.as_str()));
    names.extend(spec.services.booking.payments.stripe().map(|stripe| stripe.secret.name.as_str()));
    names
}

fn from_secret(name: &str, secret: &SecretName, key: &str) -> EnvVar {
    let selector = SecretKeySelector { name: secret.name.clone(), key: key.to_owned(), optional: None };
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource { secret_key_ref: Some(selector), ..EnvVarSource::default() }),
    }
}
