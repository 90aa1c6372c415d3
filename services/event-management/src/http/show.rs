//! `GET /events/{uuid}`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use ids::EventId;
use kit::{
    error::{ApiError, ErrorBody},
    http::{
        PathId,
        answers::{Internal, Unavailable},
    },
};

use super::{Events, NOT_KEPT, conditional::client_has, encoding::accepts_gzip};
use crate::{details::DetailsError, page::EventPage};

pub(crate) const EVENT_NOT_FOUND: ApiError = ApiError::new(StatusCode::NOT_FOUND, "event_not_found", "Event not found");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const BY_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");

/// Smaller pages are not packed. They fit into one packet anyway, and unpacking would cost the client more than it
/// saves.
const MIN_PACKED_BYTES: usize = 1024;

impl From<DetailsError> for ApiError {
    fn from(error: DetailsError) -> Self {
        match error {
            DetailsError::Missing => EVENT_NOT_FOUND,
            DetailsError::Unavailable => Self::unavailable(),
            DetailsError::Internal => Self::internal(),
        }
    }
}

/// An event with its venue, performers and tickets
///
/// The answer shows the state of each seat at the moment of the answer. The `ETag` changes with every change of what is
/// shown, also when a hold expires.
#[utoipa::path(
    get,
    path = "/events/{uuid}",
    tag = "events",
    params(
        ("uuid" = Uuid, Path, description = "The uuid of the event."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag`s of the pages that the client has."),
    ),
    responses(
        (status = 200, description = "The event.", body = EventPage,
            headers(("ETag" = String, description = "Names exactly these bytes."))),
        (status = 304, description = "The client has the page as it is now.",
            headers(("ETag" = String, description = "The `ETag` of the page that the client has."))),
        (status = 404, description = "`event_not_found`: there is no such event, or the path has no uuid.", body = ErrorBody),
        Internal,
        Unavailable,
    )
)]
pub(crate) async fn show(
    State(events): State<Arc<Events>>,
    PathId(event): PathId<EventId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let event = event.ok_or(EVENT_NOT_FOUND)?;
    let page = events.pages.now(event).await?.rendering;
    let gzip = page.body.len() >= MIN_PACKED_BYTES && accepts_gzip(&headers);
    let etag = if gzip { &page.gzip_etag } else { &page.etag };
    let mut response = Response::default();
    response.headers_mut().insert(header::ETAG, etag.clone());
    response.headers_mut().insert(header::CACHE_CONTROL, NOT_KEPT);
    response.headers_mut().insert(header::VARY, BY_ENCODING);
    if client_has(etag, &headers) {
        events.metrics.pages_304.inc();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    events.metrics.pages_200.inc();
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    let body = if gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, GZIP);
        page.gzip(&events.metrics).await.map_err(|error| {
            tracing::error!(%error, "a page cannot be packed");
            ApiError::internal()
        })?
    } else {
        page.body.clone()
    };
    *response.body_mut() = Body::from(body);
    Ok(response)
}
