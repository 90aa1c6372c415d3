//! `GET /api/v1/search/events`

use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
};
use ids::EventId;
use kit::{
    error::{ApiError, ErrorBody},
    http::answers::{Internal, Unavailable},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use crate::{
    index::{EventDocument, IndexError},
    query::{Question, Refusal},
};

const PAGE_TOO_DEEP: ApiError = ApiError::new(StatusCode::BAD_REQUEST, "page_too_deep", "Page is too deep");
const QUERY_TOO_LONG: ApiError = ApiError::new(StatusCode::BAD_REQUEST, "query_too_long", "Query is too long");

/// The parameters, for the OpenAPI document only. The handler reads them as pairs of text, because every value has a
/// meaning.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters in the OpenAPI document")]
struct Parameters {
    /// Words to look for in name, location and description. Without words, all upcoming events are listed by date.
    #[param(max_length = 256)]
    q: Option<String>,
    /// The number of the page. A value that is not a number, or below 1, counts as 1. `page × size` is at most 10,000.
    #[param(minimum = 1, default = 1)]
    page: Option<u64>,
    /// Events on a page. A value that is not a number, or below 1, counts as 10. A value above 100 counts as 100.
    #[param(minimum = 1, maximum = 100, default = 10)]
    size: Option<u64>,
}

/// A page of events.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Page {
    events: Vec<Event>,
    /// The number of matching events on all pages.
    total: u64,
    /// The number of this page, from 1.
    page: u64,
    /// The most events on a page.
    size: u64,
}

/// An event that was found.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Event {
    uuid: EventId,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The time of the event: RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// The venue's location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
}

/// Find upcoming events: the best match first, then the soonest.
#[utoipa::path(
    get,
    path = "/api/v1/search/events",
    operation_id = "search_events",
    params(Parameters),
    responses(
        (status = OK, description = "A page of events", body = Page),
        (status = BAD_REQUEST, description = "`page_too_deep` or `query_too_long`", body = ErrorBody),
        Internal,
        Unavailable,
    )
)]
pub(crate) async fn search(
    State(state): State<AppState>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<Page>, ApiError> {
    // Of several parameters with the same name, the first counts.
    let parameter = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let question = Question::parse(parameter("q"), parameter("page"), parameter("size"))?;
    if let Some(page) = state.cache.get(&question).await {
        return Ok(Json(page));
    }
    let page = look_up(&state, &question).await?;
    // An empty answer is not cached: the next new event makes it wrong, and it is the cheapest one to find again.
    if !page.events.is_empty() {
        state.cache.put(&question, &page);
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
        page: question.page().number.into(),
        size: question.page().size.into(),
    })
}

/// All pages of one text have the same preference, so they come from the same copy of the index.
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
