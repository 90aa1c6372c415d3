//! `GET /events/{uuid}`.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service_kit::error::{ApiError, ErrorBody};
use uuid::Uuid;

use super::Events;
use super::page::EventPage;
use crate::details::NoDetails;

const EVENT_NOT_FOUND: ApiError = ApiError::new(StatusCode::NOT_FOUND, "event_not_found", "Event not found");

/// The state of a seat is true at the moment of the answer only: nobody on the way may keep it.
const NOT_KEPT: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// The length of a UUID in its usual form, with hyphens.
const HYPHENATED_LENGTH: usize = 36;

/// An event with its venue, performers and tickets
///
/// The state of each seat is that of the moment of the answer.
#[utoipa::path(
    get,
    path = "/events/{uuid}",
    tag = "events",
    params(("uuid" = Uuid, Path, description = "The event's identifier.")),
    responses(
        (status = 200, description = "The event.", body = EventPage),
        (status = 404, description = "There is no such event, or this is no identifier.", body = ErrorBody),
        (status = 500, description = "A fault of the service.", body = ErrorBody),
        (status = 503, description = "The database is down; try again after `Retry-After` seconds.", body = ErrorBody),
    )
)]
pub(super) async fn show(
    State(events): State<Events>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    // What cannot be decoded, or is no UUID, names no event.
    let uuid = path.ok().and_then(|Path(text)| parse(&text)).ok_or(EVENT_NOT_FOUND)?;
    let details = events.details.of(uuid).await.map_err(|reason| match reason {
        NoDetails::Missing => EVENT_NOT_FOUND,
        NoDetails::Failed(error) => error,
    })?;
    let states = events.seats.states(&details).await?;
    let body = serde_json::to_vec(&EventPage::new(&details, &states)).map_err(|error| {
        tracing::error!(%error, event = details.uuid, "the page cannot be written as JSON");
        ApiError::internal()
    })?;
    Ok(([JSON, NOT_KEPT], body).into_response())
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
