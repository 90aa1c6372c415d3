//! The life of the index: created, filled, deleted. The index records its state in the `_meta` of its mapping.

use elasticsearch::http::Method;
use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    client::{Index, IndexError, Payload},
    definition::Definition,
    origin::Origin,
};

const FILLED_AT: &str = "filled_at";
const ORIGIN: &str = "origin";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexState {
    Missing,
    /// The index exists and does not hold all events yet.
    Unfilled,
    /// The index holds all events. The origin is `None` when `_meta` does not name it.
    Filled(Option<Origin>),
}

impl Index {
    pub(crate) async fn state(&self) -> Result<IndexState, IndexError> {
        match self.meta().await {
            Ok(meta) if meta.contains_key(FILLED_AT) => {
                Ok(IndexState::Filled(meta.get(ORIGIN).and_then(|origin| serde_json::from_value(origin.clone()).ok())))
            }
            Ok(_) => Ok(IndexState::Unfilled),
            Err(IndexError::Missing(_)) => Ok(IndexState::Missing),
            Err(error) => Err(error),
        }
    }

    /// Creates the index unless it exists.
    pub(crate) async fn create(&self, definition: &Definition) -> Result<(), IndexError> {
        match self.request(Method::Put, "", &[], Payload::Json(definition.body().clone())).await {
            Ok(_) => Ok(()),
            Err(IndexError::Refused { kind, .. }) if kind == "resource_already_exists_exception" => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes the index with all its documents if it exists.
    pub(crate) async fn delete(&self) -> Result<(), IndexError> {
        match self.request(Method::Delete, "", &[], Payload::None).await {
            Ok(_) | Err(IndexError::Missing(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Records that the index holds all events of a database. The time of the first filling stays.
    pub(crate) async fn mark_filled(&self, origin: Origin) -> Result<(), IndexError> {
        let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        self.change_meta(|meta| {
            meta.entry(FILLED_AT).or_insert_with(|| Value::String(now));
            meta.insert(ORIGIN.to_owned(), json!(origin));
        })
        .await
    }

    /// Records that the index must be filled again before it is used.
    pub(crate) async fn mark_unfilled(&self) -> Result<(), IndexError> {
        self.change_meta(|meta| _ = meta.remove(FILLED_AT)).await
    }

    /// The database that the documents come from, whether the index is filled or not. `None` when `_meta` does not name
    /// it.
    pub(crate) async fn origin(&self) -> Result<Option<Origin>, IndexError> {
        let origin = self.meta().await?.remove(ORIGIN);
        Ok(origin.and_then(|origin| serde_json::from_value(origin).ok()))
    }

    /// Records which database the documents come from. This happens before the first document is written.
    pub(crate) async fn mark_origin(&self, origin: Origin) -> Result<(), IndexError> {
        self.change_meta(|meta| _ = meta.insert(ORIGIN.to_owned(), json!(origin))).await
    }

    /// Changes some of `_meta`. Elasticsearch replaces `_meta` only as a whole, so it is read first.
    async fn change_meta(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), IndexError> {
        let mut meta = self.meta().await?;
        change(&mut meta);
        self.request(Method::Put, "/_mapping", &[], Payload::Json(json!({"_meta": meta}))).await.map(drop)
    }

    async fn meta(&self) -> Result<Map<String, Value>, IndexError> {
        let mut answer = self.request(Method::Get, "/_mapping", &[], Payload::None).await?;
        let meta = answer[self.name()]["mappings"]["_meta"].take();
        Ok(if let Value::Object(meta) = meta { meta } else { Map::new() })
    }
}
