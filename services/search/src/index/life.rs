//! From being created to being filled, and what the index remembers of it in its mapping's `_meta`.

use elasticsearch::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Definition, Index, IndexError, Payload};
use crate::rows::Origin;

const FILLED_AT: &str = "filled_at";
const ORIGIN: &str = "origin";

/// Whether the index can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexState {
    /// It does not exist.
    Missing,
    /// It exists and does not hold all events yet.
    Unfilled,
    /// It holds all events; where they came from is known.
    Filled(Option<IndexOrigin>),
}

/// The database that an index was filled from. The identifier is text: JSON numbers lose its last digits in many hands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexOrigin {
    /// The cluster's identifier.
    pub system_identifier: String,
    /// Its timeline when the index was last compared with it.
    pub timeline: u32,
}

impl From<Origin> for IndexOrigin {
    fn from(origin: Origin) -> Self {
        Self { system_identifier: origin.system_identifier.to_string(), timeline: origin.timeline }
    }
}

impl Index {
    /// Whether the index can be used.
    ///
    /// # Errors
    /// When Elasticsearch does not answer.
    pub async fn state(&self) -> Result<IndexState, IndexError> {
        match self.meta().await {
            Ok(meta) if meta.contains_key(FILLED_AT) => {
                Ok(IndexState::Filled(meta.get(ORIGIN).and_then(|origin| serde_json::from_value(origin.clone()).ok())))
            }
            Ok(_) => Ok(IndexState::Unfilled),
            Err(IndexError::Missing(_)) => Ok(IndexState::Missing),
            Err(error) => Err(error),
        }
    }

    /// Creates the index, if it is not there.
    ///
    /// # Errors
    /// When Elasticsearch does not answer, or refuses the definition.
    pub async fn create(&self, definition: &Definition) -> Result<(), IndexError> {
        match self.ask(Method::Put, "", &[], Payload::Json(definition.body().clone())).await {
            Ok(_) => Ok(()),
            Err(IndexError::Refused { kind, .. }) if kind == "resource_already_exists_exception" => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes the index with everything in it, if it is there.
    ///
    /// # Errors
    /// When Elasticsearch does not answer.
    pub async fn delete(&self) -> Result<(), IndexError> {
        match self.ask(Method::Delete, "", &[], Payload::None).await {
            Ok(_) | Err(IndexError::Missing(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Records that the index holds all events of a database.
    ///
    /// # Errors
    /// When Elasticsearch does not answer.
    pub async fn mark_filled(&self, origin: Origin) -> Result<(), IndexError> {
        let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        self.change_meta(|meta| {
            meta.entry(FILLED_AT).or_insert_with(|| Value::String(now));
            meta.insert(ORIGIN.to_owned(), json!(IndexOrigin::from(origin)));
        })
        .await
    }

    /// Records that the index must be filled anew before it is used again.
    ///
    /// # Errors
    /// When Elasticsearch does not answer.
    pub async fn mark_unfilled(&self) -> Result<(), IndexError> {
        self.change_meta(|meta| _ = meta.remove(FILLED_AT)).await
    }

    /// The origin that the index remembers, filled or not.
    ///
    /// # Errors
    /// When Elasticsearch does not answer or the index does not exist.
    pub async fn origin(&self) -> Result<Option<IndexOrigin>, IndexError> {
        let origin = self.meta().await?.remove(ORIGIN);
        Ok(origin.and_then(|origin| serde_json::from_value(origin).ok()))
    }

    /// Records where documents come from before the first of them is written.
    ///
    /// # Errors
    /// When Elasticsearch does not answer.
    pub async fn mark_origin(&self, origin: Origin) -> Result<(), IndexError> {
        self.change_meta(|meta| _ = meta.insert(ORIGIN.to_owned(), json!(IndexOrigin::from(origin)))).await
    }

    /// `_meta` can only be replaced as a whole.
    async fn change_meta(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), IndexError> {
        let mut meta = self.meta().await?;
        change(&mut meta);
        self.ask(Method::Put, "/_mapping", &[], Payload::Json(json!({"_meta": meta}))).await.map(drop)
    }

    async fn meta(&self) -> Result<Map<String, Value>, IndexError> {
        let mut answer = self.ask(Method::Get, "/_mapping", &[], Payload::None).await?;
        let meta = answer[self.name()]["mappings"]["_meta"].take();
        Ok(if let Value::Object(meta) = meta { meta } else { Map::new() })
    }
}
