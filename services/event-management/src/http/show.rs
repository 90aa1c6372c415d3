//! `GET /events/{uuid}`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use kit::{
    error::{ApiError, ErrorBody},
    http::PathId,
};
use uuid::Uuid;

use super::{Events, NOT_KEPT, conditional::client_has, encoding::accepts_gzip};
use crate::{details::NoDetails, page::EventPage};

pub(crate) const EVENT_NOT_FOUND: ApiError = ApiError::new(StatusCode::NOT_FOUND, "event_not_found", "Event not found");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const BY_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");

/// A page below this fits into one packet anyway: unpacking it would cost the client more than it saves.
const LEAST_PACKED_BYTES: usize = 1024;

impl From<NoDetails> for ApiError {
    fn from(reason: NoDetails) -> Self {
        match reason {
            NoDetails::Missing => EVENT_NOT_FOUND,
            NoDetails::Failed(error) => error,
        }
    }
}

/// An event with its venue, performers and tickets
///
/// The state of each seat is that of the moment of the answer, and so is the `ETag`: it changes with every change of what
/// is shown, also when a hold runs out.
#[utoipa::path(
    get,
    path = "/events/{uuid}",
    tag = "events",
    params(
        ("uuid" = Uuid, Path, description = "The event's identifier."),
        ("If-None-Match" = Option<String>, Header, description = "`ETag`s of pages that the client has."),
    ),
    responses(
        (status = 200, description = "The event.", body = EventPage,
            headers(("ETag" = String, description = "Names exactly these bytes."))),
        (status = 304, description = "The client has the page as it is now.",
            headers(("ETag" = String, description = "Which of its pages that is."))),
        (status = 404, description = "There is no such event, or this is no identifier.", body = ErrorBody),
        (status = 500, description = "A fault of the service.", body = ErrorBody),
        (status = 503, description = "The database is down; try again after `Retry-After` seconds.", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    State(events): State<Arc<Events>>,
    PathId(event): PathId<Uuid>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let event = event.ok_or(EVENT_NOT_FOUND)?;
    let page = events.pages.now(event).await?.rendering;
    let gzip = page.body.len() >= LEAST_PACKED_BYTES && accepts_gzip(&headers);
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
