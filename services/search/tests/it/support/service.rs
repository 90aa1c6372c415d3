//! The service, running in the test's process.

use kit::settings::Environment;
use reqwest::{Response, StatusCode};
use search::ServeSettings;
use serde_json::Value;
use testbed::{Replica, eventually};

use super::World;

/// A running service. It ends with the test, or when it is stopped.
pub(crate) struct Service {
    replica: Replica,
}

impl World {
    /// Starts the service; it may not be ready yet.
    pub(crate) async fn start(&self) -> Service {
        let settings = ServeSettings::read(Environment::from_pairs(self.environment())).unwrap();
        let replica = Replica::start(|listener, shutdown| search::run(listener, settings, shutdown)).await;
        Service { replica }
    }

    /// Starts the service and waits until it is ready.
    pub(crate) async fn serve(&self) -> Service {
        let service = self.start().await;
        service.ready().await;
        service
    }
}

impl Service {
    pub(crate) async fn get(&self, path: &str) -> Response {
        reqwest::get(format!("{}{path}", self.replica.url)).await.unwrap()
    }

    pub(crate) async fn ready(&self) {
        eventually("the service is ready", async || self.get("/readyz").await.status() == StatusCode::OK).await;
    }

    /// Sends a query that must be answered.
    pub(crate) async fn search(&self, query: &str) -> Value {
        let response = self.get(&format!("/api/v1/search/events?{query}")).await;
        let status = response.status();
        let body: Value = response.json().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{query}: {body}");
        body
    }

    /// Sends a query that must be refused. Returns status, code and message.
    pub(crate) async fn refused(&self, query: &str) -> (u16, String, String) {
        let response = self.get(&format!("/api/v1/search/events?{query}")).await;
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["error"].as_str().unwrap().to_owned(), body["message"].as_str().unwrap().to_owned())
    }

    /// The value of a metric, summed over its labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        let lines = text.lines().filter(|line| line.starts_with(name) && !line.starts_with('#'));
        lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    pub(crate) async fn feed(&self) -> Value {
        self.get("/api/v1/search/feed").await.json().await.unwrap()
    }

    /// Stops the service the way SIGTERM does.
    pub(crate) async fn stop(self) {
        self.replica.stop().await;
    }
}
