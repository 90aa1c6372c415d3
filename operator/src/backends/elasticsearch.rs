//! Elasticsearch's REST interface, as far as the operator needs it: the indexes, when they were filled, and the alias.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BackendError, BackendResult, refused, send};
use crate::observed::ElasticsearchView;

const STORE: &str = "Elasticsearch";

/// The indexes of one prefix.
#[async_trait]
pub trait Elasticsearch: Send + Sync {
    /// Reads the indexes `<prefix>-*`, and where the alias `<prefix>` points.
    async fn look(&self, prefix: &str) -> BackendResult<ElasticsearchView>;
    /// Points the alias to one index and to no other, in one request.
    async fn point_alias(&self, alias: &str, index: &str, from: &BTreeSet<String>) -> BackendResult<()>;
    /// Deletes indexes by name. An index that is gone is no error.
    async fn delete(&self, indexes: &[String]) -> BackendResult<()>;
}

/// The client for a real Elasticsearch.
pub struct HttpElasticsearch {
    client: Client,
    url: String,
}

impl HttpElasticsearch {
    /// Makes a client for the cluster at a base URL.
    pub fn new(client: Client, url: &str) -> Self {
        Self { client, url: url.trim_end_matches('/').to_owned() }
    }

    async fn fetch<T: for<'a> Deserialize<'a> + Default>(&self, path: &str) -> BackendResult<T> {
        let (status, body) = send(STORE, self.client.get(format!("{}{path}", self.url))).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(T::default()),
            status if status.is_success() => serde_json::from_str(&body)
                .map_err(|error| BackendError::transient(format!("{STORE}: GET {path}: {error}"))),
            status => Err(refused(STORE, &format!("GET {path}"), status, &body)),
        }
    }
}

#[async_trait]
impl Elasticsearch for HttpElasticsearch {
    async fn look(&self, prefix: &str) -> BackendResult<ElasticsearchView> {
        let mappings: BTreeMap<String, IndexMapping> =
            self.fetch(&format!("/{prefix}-*/_mapping?allow_no_indices=true")).await?;
        let alias: BTreeMap<String, Value> = self.fetch(&format!("/_alias/{prefix}")).await?;
        Ok(ElasticsearchView {
            indexes: mappings
                .into_iter()
                .filter(|(name, _)| release::is_index_name(name, prefix))
                .map(|(name, index)| (name, index.mappings.meta.filled_at))
                .collect(),
            alias: alias.into_keys().collect(),
        })
    }

    async fn point_alias(&self, alias: &str, index: &str, from: &BTreeSet<String>) -> BackendResult<()> {
        let mut actions: Vec<Value> = from
            .iter()
            .filter(|old| *old != index)
            .map(|old| json!({"remove": {"index": old, "alias": alias}}))
            .collect();
        actions.push(json!({"add": {"index": index, "alias": alias}}));
        let request = self.client.post(format!("{}/_aliases", self.url)).json(&json!({"actions": actions}));
        match send(STORE, request).await? {
            (status, _) if status.is_success() => Ok(()),
            (status, body) => Err(refused(STORE, &format!("pointing alias {alias} to {index}"), status, &body)),
        }
    }

    async fn delete(&self, indexes: &[String]) -> BackendResult<()> {
        let names = indexes.join(",");
        let request = self.client.delete(format!("{}/{names}?ignore_unavailable=true", self.url));
        match send(STORE, request).await? {
            (status, _) if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            (status, body) => Err(refused(STORE, &format!("deleting {names}"), status, &body)),
        }
    }
}

#[derive(Deserialize, Default)]
struct IndexMapping {
    #[serde(default)]
    mappings: Mappings,
}

#[derive(Deserialize, Default)]
struct Mappings {
    #[serde(rename = "_meta", default)]
    meta: Meta,
}

#[derive(Deserialize, Default)]
struct Meta {
    filled_at: Option<String>,
}
