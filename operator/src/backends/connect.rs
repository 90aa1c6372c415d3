//! Kafka Connect's REST interface, as far as the operator needs it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{BackendError, BackendResult, refused, send};
use crate::{
    failures::ErrorClass,
    observed::{ConnectView, ConnectorView, TaskView},
};

/// The class of Debezium's PostgreSQL connector.
pub const CONNECTOR_CLASS: &str = "io.debezium.connector.postgresql.PostgresConnector";
const STORE: &str = "Kafka Connect";

/// One connector of a Kafka Connect cluster.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Reads the connector, without its offsets.
    async fn look(&self, connector: &str) -> BackendResult<ConnectView>;
    /// Whether offsets are stored under the connector's name. Connect answers slowly while the connector runs.
    async fn has_offsets(&self, connector: &str) -> BackendResult<bool>;
    /// Lets the connector validate a configuration, then stores it.
    async fn configure(&self, connector: &str, config: &BTreeMap<String, String>) -> BackendResult<()>;
    /// Sets the wanted state by one of the verbs `pause`, `resume` and `stop`.
    async fn set_state(&self, connector: &str, verb: &str) -> BackendResult<()>;
    /// Restarts the connector and its failed tasks.
    async fn restart_failed(&self, connector: &str) -> BackendResult<()>;
    /// Deletes the offsets of a stopped connector.
    async fn delete_offsets(&self, connector: &str) -> BackendResult<()>;
    /// Removes the connector.
    async fn delete(&self, connector: &str) -> BackendResult<()>;
}

/// The client for a real Kafka Connect.
pub struct HttpConnect {
    client: Client,
    url: String,
}

impl HttpConnect {
    /// Makes a client for the Connect cluster at a base URL.
    pub fn new(client: Client, url: &str) -> Self {
        Self { client, url: url.trim_end_matches('/').to_owned() }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> BackendResult<(StatusCode, String)> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        send(STORE, request).await
    }

    /// Calls for an effect. 404 counts as done, because the connector is gone then.
    async fn effect(&self, method: Method, path: &str, body: Option<serde_json::Value>) -> BackendResult<()> {
        let what = format!("{method} {path}");
        match self.call(method, path, body).await? {
            (status, _) if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            (status, body) => Err(refused(STORE, &what, status, &body)),
        }
    }

    async fn fetch<T: for<'a> Deserialize<'a>>(&self, path: &str) -> BackendResult<Option<T>> {
        match self.call(Method::GET, path, None).await? {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, body) if status.is_success() => serde_json::from_str(&body)
                .map(Some)
                .map_err(|error| BackendError::transient(format!("{STORE}: GET {path}: {error}"))),
            (status, body) => Err(refused(STORE, &format!("GET {path}"), status, &body)),
        }
    }

    async fn validate(&self, config: &BTreeMap<String, String>) -> BackendResult<()> {
        let path = format!("/connector-plugins/{CONNECTOR_CLASS}/config/validate");
        let (status, body) = self.call(Method::PUT, &path, Some(json!(config))).await?;
        if !status.is_success() {
            return Err(refused(STORE, "validating the connector", status, &body));
        }
        let validation: Validation = serde_json::from_str(&body)
            .map_err(|error| BackendError::transient(format!("{STORE}: validating the connector: {error}")))?;
        validation.into_result()
    }
}

#[async_trait]
impl Connect for HttpConnect {
    async fn look(&self, connector: &str) -> BackendResult<ConnectView> {
        // The root answers only once the worker has joined its group. Before that, 404 says nothing about a connector.
        let (status, body) = self.call(Method::GET, "/", None).await?;
        if !status.is_success() {
            return Err(refused(STORE, "GET /", status, &body));
        }
        let path = format!("/connectors/{connector}");
        let Some(found) = self.fetch::<Found>(&path).await? else { return Ok(ConnectView::default()) };
        // A connector that was just created has no status for a moment.
        let status = self.fetch::<Status>(&format!("{path}/status")).await?.unwrap_or_default();
        Ok(ConnectView { connector: Some(status.into_view(found.config)), has_offsets: false })
    }

    async fn has_offsets(&self, connector: &str) -> BackendResult<bool> {
        let found = self.fetch::<Offsets>(&format!("/connectors/{connector}/offsets")).await?;
        Ok(found.is_some_and(|found| !found.offsets.is_empty()))
    }

    async fn configure(&self, connector: &str, config: &BTreeMap<String, String>) -> BackendResult<()> {
        self.validate(config).await?;
        let path = format!("/connectors/{connector}/config");
        match self.call(Method::PUT, &path, Some(json!(config))).await? {
            (status, _) if status.is_success() => Ok(()),
            (status, body) => Err(refused(STORE, &format!("PUT {path}"), status, &body)),
        }
    }

    async fn set_state(&self, connector: &str, verb: &str) -> BackendResult<()> {
        self.effect(Method::PUT, &format!("/connectors/{connector}/{verb}"), None).await
    }

    async fn restart_failed(&self, connector: &str) -> BackendResult<()> {
        self.effect(Method::POST, &format!("/connectors/{connector}/restart?includeTasks=true&onlyFailed=true"), None)
            .await
    }

    async fn delete_offsets(&self, connector: &str) -> BackendResult<()> {
        self.effect(Method::DELETE, &format!("/connectors/{connector}/offsets"), None).await
    }

    async fn delete(&self, connector: &str) -> BackendResult<()> {
        self.effect(Method::DELETE, &format!("/connectors/{connector}"), None).await
    }
}

#[derive(Deserialize)]
struct Found {
    config: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Offsets {
    offsets: Vec<serde_json::Value>,
}

#[derive(Deserialize, Default)]
struct Status {
    connector: State,
    tasks: Vec<State>,
}

#[derive(Deserialize, Default)]
struct State {
    #[serde(default)]
    id: i32,
    state: String,
    trace: Option<String>,
}

impl Status {
    fn into_view(self, config: BTreeMap<String, String>) -> ConnectorView {
        let tasks = self.tasks.into_iter().map(|task| TaskView { id: task.id, state: task.state, trace: task.trace });
        ConnectorView { config, state: self.connector.state, tasks: tasks.collect(), trace: self.connector.trace }
    }
}

#[derive(Deserialize)]
struct Validation {
    #[serde(default)]
    configs: Vec<ValidatedField>,
}

#[derive(Deserialize)]
struct ValidatedField {
    value: FieldValue,
}

#[derive(Deserialize)]
struct FieldValue {
    name: String,
    #[serde(default)]
    errors: Vec<String>,
}

impl Validation {
    /// Debezium's validation connects to the database. When that fails, the configuration may still be right.
    fn into_result(self) -> BackendResult<()> {
        let errors: Vec<String> = self
            .configs
            .into_iter()
            .flat_map(|field| {
                let name = field.value.name;
                field.value.errors.into_iter().map(move |error| format!("{name}: {error}"))
            })
            .collect();
        if errors.is_empty() {
            return Ok(());
        }
        let is_transient = errors.iter().all(|error| is_about_reaching_the_database(error));
        let class = if is_transient { ErrorClass::Transient } else { ErrorClass::Invalid };
        Err(BackendError::new(class, format!("{STORE} refuses the connector: {}", errors.join("; "))))
    }
}

/// Whether an error of the validation means that the database is down, starting, out of connections, or that its name
/// does not resolve. The words are those of PostgreSQL and of its JDBC driver.
fn is_about_reaching_the_database(error: &str) -> bool {
    const SIGNS: [&str; 10] = [
        "connection attempt failed",
        "connection refused",
        "connection to",
        "i/o error",
        "timed out",
        "timeout",
        "unknownhost",
        "starting up",
        "shutting down",
        "too many clients",
    ];
    let error = error.to_lowercase();
    SIGNS.iter().any(|sign| error.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validation(errors: &[&str]) -> Validation {
        let errors = errors.iter().map(|&error| error.to_owned()).collect();
        Validation { configs: vec![ValidatedField { value: FieldValue { name: "database.hostname".into(), errors } }] }
    }

    #[test]
    fn a_database_that_cannot_be_reached_is_transient() {
        let error = "Error while validating connector config: The connection attempt failed.";
        assert_eq!(validation(&[error]).into_result().unwrap_err().class, ErrorClass::Transient);
    }

    #[test]
    fn any_other_error_is_invalid_and_named() {
        let error = validation(&["The value is required", "The connection attempt failed."]).into_result().unwrap_err();
        assert_eq!(error.class, ErrorClass::Invalid);
        assert!(error.message.contains("database.hostname: The value is required"), "{error}");
    }

    #[test]
    fn no_errors_is_valid() {
        assert!(validation(&[]).into_result().is_ok());
    }
}
