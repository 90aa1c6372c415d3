//! Reading documents, for queries and for comparing the index with the database.

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::{Index, IndexError, Payload},
    document::EventDocument,
};

/// One page of the documents that a query found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) documents: Vec<EventDocument>,
    /// The number of matching documents on all pages.
    pub(crate) total: u64,
}

#[derive(Deserialize)]
struct Answer {
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    #[serde(default)]
    total: Option<Total>,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_source")]
    source: Value,
}

impl Index {
    /// Runs a query. Requests with the same `preference` go to the same copy of the index. Copies score a little
    /// differently, so the pages of one query would repeat and skip events if each came from another copy.
    pub(crate) async fn search(&self, query: Value, preference: &str) -> Result<Found, IndexError> {
        let hits = self.hits(query, &[("preference", preference)]).await?;
        let documents: Result<Vec<EventDocument>, _> =
            hits.hits.into_iter().map(|hit| serde_json::from_value(hit.source)).collect();
        let documents =
            documents.map_err(|error| IndexError::Unreachable(format!("a document has another shape: {error}")))?;
        Ok(Found { documents, total: hits.total.map_or(0, |total| total.value) })
    }

    /// The first `limit` documents with `after < id ≤ through`, in the order of their ids.
    pub(crate) async fn between(
        &self,
        after: i64,
        through: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Value)>, IndexError> {
        let query = json!({
            "size": limit,
            "query": {"range": {"id": {"gt": after, "lte": through}}},
            "sort": [{"id": "asc"}],
            "track_total_hits": false,
        });
        let hits = self.hits(query, &[]).await?.hits;
        Ok(hits.into_iter().filter_map(|hit| Some((hit.id.parse().ok()?, hit.source))).collect())
    }

    /// Makes everything written so far visible to searches.
    pub(crate) async fn refresh(&self) -> Result<(), IndexError> {
        self.request(Method::Post, "/_refresh", &[], Payload::None).await.map(drop)
    }

    async fn hits(&self, query: Value, parameters: &[(&str, &str)]) -> Result<Hits, IndexError> {
        let answer = self.request(Method::Post, "/_search", parameters, Payload::Json(query)).await?;
        let answer: Answer = serde_json::from_value(answer)
            .map_err(|error| IndexError::Unreachable(format!("the answer has another form: {error}")))?;
        Ok(answer.hits)
    }
}
