//! `GET /events/{uuid}`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use kit::error::{ApiError, ErrorBody};
use uuid::Uuid;

use super::{Events, NOT_KEPT, conditional::client_has, encoding::accepts_gzip};
use crate::{details::NoDetails, page::EventPage};

pub(crate) const EVENT_NOT_FOUND: ApiError = ApiError::new(StatusCode::NOT_FOUND, "event_not_found", "Event not found");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");
const BY_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");

/// A page below this fits into one packet anyway: unpacking it would cost the client more than it saves.
const LEAST_PACKED_BYTES: usize = 1024;

/// The length of a UUID in its usual form, with hyphens.
const HYPHENATED_LENGTH: usize = 36;

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
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let page = events.pages.now(event_in(path)?).await?.rendering;
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

/// The event that the path names. What cannot be decoded, or is no UUID, names none.
pub(crate) fn event_in(path: Result<Path<String>, PathRejection>) -> Result<Uuid, ApiError> {
    path.ok().and_then(|Path(text)| parse(&text)).ok_or(EVENT_NOT_FOUND)
}

/// Upper and lower case are the same UUID; other notations (braces, no hyphens) are no path of ours.
fn parse(text: &str) -> Option<Uuid> {
    (text.len() == HYPHENATED_LENGTH).then(|| Uuid::parse_str(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hyphenated_uuids_name_an_event() {
        let uuid = "7d444840-9dc0-11d1-b245-5ffdce74fad2";
        assert!(parse(uuid).is_some());
        assert_eq!(parse(&uuid.to_uppercase()), parse(uuid));
        for wrong in ["", "7d444840", "7d4448409dc011d1b2455ffdce74fad2", "\0", &"é".repeat(18), &"x".repeat(36)] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
