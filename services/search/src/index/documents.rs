//! Reading documents: for customers, and for comparing them with the database.

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Index, IndexError, Payload};
use crate::documents::EventDocument;

/// Documents that a query found.
#[derive(Debug)]
pub struct Found {
    /// The page of documents.
    pub documents: Vec<EventDocument>,
    /// How many there are in all.
    pub total: u64,
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
    /// Runs a query. `preference` sends equal texts to the same copy of the index: copies score a little differently,
    /// so pages of one query would repeat and skip events if each came from another.
    ///
    /// # Errors
    /// When Elasticsearch does not answer or refuses.
    pub async fn search(&self, query: Value, preference: &str) -> Result<Found, IndexError> {
        let hits = self.hits(query, &[("preference", preference)]).await?;
        let documents: Result<Vec<EventDocument>, _> =
            hits.hits.into_iter().map(|hit| serde_json::from_value(hit.source)).collect();
        let documents =
            documents.map_err(|error| IndexError::Unreachable(format!("a document of another shape: {error}")))?;
        Ok(Found { documents, total: hits.total.map_or(0, |total| total.value) })
    }

    /// The documents with `behind < id ≤ through`, the first `limit` in the order of their ids.
    ///
    /// # Errors
    /// When Elasticsearch does not answer or refuses.
    pub async fn between(&self, behind: i64, through: i64, limit: usize) -> Result<Vec<(i64, Value)>, IndexError> {
        let query = json!({
            "size": limit,
            "query": {"range": {"id": {"gt": behind, "lte": through}}},
            "sort": [{"id": "asc"}],
            "track_total_hits": false,
        });
        let hits = self.hits(query, &[]).await?.hits;
        Ok(hits.into_iter().filter_map(|hit| Some((hit.id.parse().ok()?, hit.source))).collect())
    }

    /// Makes everything written so far visible to searches.
    ///
    /// # Errors
    /// When Elasticsearch does not answer or refuses.
    pub async fn refresh(&self) -> Result<(), IndexError> {
        self.ask(Method::Post, "/_refresh", &[], Payload::None).await.map(drop)
    }

    async fn hits(&self, query: Value, parameters: &[(&str, &str)]) -> Result<Hits, IndexError> {
        let answer = self.ask(Method::Post, "/_search", parameters, Payload::Json(query)).await?;
        let answer: Answer = serde_json::from_value(answer)
            .map_err(|error| IndexError::Unreachable(format!("an answer of another form: {error}")))?;
        Ok(answer.hits)
    }
}
