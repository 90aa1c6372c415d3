//! `GET /api/v1/search/events`

use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
};
use kit::error::{ApiError, ErrorBody};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use crate::{
    documents::EventDocument,
    index::IndexError,
    query::{Question, Refusal},
};

const PAGE_TOO_DEEP: ApiError = ApiError::new(StatusCode::BAD_REQUEST, "page_too_deep", "Page is too deep");
const QUERY_TOO_LONG: ApiError = ApiError::new(StatusCode::BAD_REQUEST, "query_too_long", "Query is too long");

/// What to look for. Only described here: values of any form have a meaning, so they are read as pairs of text.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters in the OpenAPI document")]
struct Parameters {
    /// Words to look for in name, location and description; none lists all upcoming events by date.
    #[param(max_length = 256)]
    q: Option<String>,
    /// The page, from 1. What is not a number or below 1 is 1. `page × size` is at most 10,000.
    #[param(minimum = 1, default = 1)]
    page: Option<u64>,
    /// Events on a page. What is not a number or below 1 is 10, what is above 100 is 100.
    #[param(minimum = 1, maximum = 100, default = 10)]
    size: Option<u64>,
}

/// A page of events.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Page {
    /// The events of this page.
    events: Vec<Event>,
    /// How many events match in all.
    total: u64,
    /// The page, from 1.
    page: u64,
    /// The most events on a page.
    size: u64,
}

/// An event that was found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Event {
    uuid: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// When it takes place: RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// Where its venue is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
}

/// Upcoming events, best match first, then soonest first.
#[utoipa::path(
    get,
    path = "/api/v1/search/events",
    operation_id = "search_events",
    params(Parameters),
    responses(
        (status = OK, description = "A page of events", body = Page),
        (status = BAD_REQUEST, description = "`page_too_deep` or `query_too_long`", body = ErrorBody),
        (status = INTERNAL_SERVER_ERROR, description = "A fault of ours", body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, description = "The index cannot answer now", body = ErrorBody),
    )
)]
pub(crate) async fn search(
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<Page>, ApiError> {
    // The first of a name counts.
    let parameter = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let question = Question::parse(parameter("q"), parameter("page"), parameter("size"))?;
    if let Some(page) = state.cache.get(&question).await {
        return Ok(Json(page));
    }
    let page = look_up(&state, &question).await?;
    // "Nothing" is the answer that the next event to be announced makes wrong, and the cheapest one to work out again.
    if !page.events.is_empty() {
        state.cache.keep(&question, &page);
    }
    Ok(Json(page))
}

async fn look_up(state: &AppState, question: &Question) -> Result<Page, ApiError> {
    if let Err(reason) = state.health.borrow().check(state.index.name()) {
        tracing::warn!(reason, "the index cannot answer");
        return Err(ApiError::unavailable());
    }
    let found = state.index.search(question.to_query(OffsetDateTime::now_utc()), &preference(question)).await?;
    Ok(Page {
        events: found.documents.into_iter().map(Event::from).collect(),
        total: found.total,
        page: question.page(),
        size: question.size(),
    })
}

/// All pages of one text come from one copy of the index.
fn preference(question: &Question) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    question.text().hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

impl From<EventDocument> for Event {
    fn from(document: EventDocument) -> Self {
        let EventDocument { uuid, name, description, date, location, id: _, venue_id: _ } = document;
        Self { uuid, name, description, date, location }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::PageTooDeep => PAGE_TOO_DEEP,
            Refusal::TextTooLong => QUERY_TOO_LONG,
        }
    }
}

impl From<IndexError> for ApiError {
    fn from(error: IndexError) -> Self {
        let unavailable = matches!(error, IndexError::Unreachable(_) | IndexError::Missing(_));
        tracing::error!(%error, unavailable, "Elasticsearch failed");
        if unavailable { Self::unavailable() } else { Self::internal() }
    }
}
