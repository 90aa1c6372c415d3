//! The stores behind the platform, looked at from outside: HTTP through the API server's proxy, SQL with `psql` in
//! PostgreSQL's own pod.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use kube::Client;
use serde_json::Value;
use testbed::repository;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::cluster::{NAMESPACE, variable};

/// Connect, Elasticsearch and PostgreSQL.
pub(crate) struct ClusterStores {
    client: Client,
    kubectl: String,
    kubeconfig: String,
}

impl ClusterStores {
    pub(crate) fn new(client: Client) -> Result<Self> {
        Ok(Self { client, kubectl: variable("TEST_KUBECTL")?, kubeconfig: variable("TEST_KUBECONFIG")? })
    }

    /// `GET` of Connect's REST interface.
    pub(crate) async fn connect(&self, path: &str) -> Result<Value> {
        self.get("connect:8083", path).await
    }

    /// `GET` of Elasticsearch.
    pub(crate) async fn elasticsearch(&self, path: &str) -> Result<Value> {
        self.get("elasticsearch:9200", path).await
    }

    async fn get(&self, service: &str, path: &str) -> Result<Value> {
        let url = format!("/api/v1/namespaces/{NAMESPACE}/services/{service}/proxy{path}");
        let answer = self.client.request_text(request(&url)?).await.with_context(|| format!("{service}{path}"))?;
        serde_json::from_str(&answer).with_context(|| format!("{service}{path} answered {answer:?}"))
    }

    /// Runs SQL as superuser and returns the rows as `psql` prints them, columns parted by `|`.
    pub(crate) async fn sql(&self, sql: &str) -> Result<String> {
        let mut psql = Command::new(&self.kubectl)
            .args(["--kubeconfig", &self.kubeconfig, "-n", NAMESPACE, "exec", "-i", "postgres-0", "--"])
            .args(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut input = psql.stdin.take().context("psql reads its standard input")?;
        input.write_all(sql.as_bytes()).await?;
        drop(input);
        let output = psql.wait_with_output().await?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// Loads the demonstration data, as `make up` does.
    pub(crate) async fn load_demonstration_data(&self) -> Result<()> {
        let file = repository().join("examples/demo/demo.sql");
        self.sql(&std::fs::read_to_string(file)?).await?;
        Ok(())
    }
}

/// A request to the API server.
pub(crate) fn request(url: &str) -> Result<http::Request<Vec<u8>>> {
    Ok(http::Request::get(url).body(Vec::new())?)
}
