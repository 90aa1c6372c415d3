//! `GET /events/{uuid}/seats/stream`.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use ids::EventId;
use kit::{
    error::{ApiError, ErrorBody},
    http::{PathId, answers::Internal},
};

use super::{Events, NOT_KEPT, show::EVENT_NOT_FOUND};
use crate::streams::{OpenError, SeatChanges};

/// When a client that was refused may try again. Streams end when users leave the page.
const RETRY_AFTER_SECONDS: u32 = 5;

const TOO_MANY_STREAMS: ApiError =
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", "Too many streams are open")
        .retry_after(RETRY_AFTER_SECONDS);

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
/// Tells nginx, and other proxies that know this header, to pass the answer on as it comes.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// The changes of an event's seats, as server-sent events
///
/// The stream begins with an event `snapshot` with all seats. Events `seats` follow with the seats that changed. The
/// data of both is `SeatChanges`. Each has an `id`. Browsers send the last one as `Last-Event-ID` when they come back;
/// such a client gets what changed since, or a `snapshot` when the service does not know that state any more. Another
/// `snapshot` follows when tickets were added or removed. When the event is deleted, an event `end` closes the stream.
/// A comment every 15 seconds shows that the stream is alive.
#[utoipa::path(
    get,
    path = "/events/{uuid}/seats/stream",
    tag = "events",
    params(
        ("uuid" = Uuid, Path, description = "The uuid of the event."),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that the client received."),
    ),
    responses(
        (status = 200, description = "The stream.", body = SeatChanges, content_type = "text/event-stream"),
        (status = 404, description = "`event_not_found`: there is no such event, or the path has no uuid.", body = ErrorBody),
        Internal,
        (status = 503, description = "`unavailable`: a store is down or too slow. `too_many_streams`: no more streams \
            may be open. Try again after `Retry-After` seconds.", body = ErrorBody),
    )
)]
pub(crate) async fn stream(
    State(events): State<Arc<Events>>,
    PathId(event): PathId<EventId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let event = event.ok_or(EVENT_NOT_FOUND)?;
    let stream = events.streams.open(event, last_seen).await.map_err(|error| match error {
        OpenError::Full => TOO_MANY_STREAMS,
        OpenError::Details(error) => error.into(),
    })?;
    let headers = [(header::CONTENT_TYPE, EVENT_STREAM), (header::CACHE_CONTROL, NOT_KEPT), UNBUFFERED];
    Ok((headers, Body::from_stream(stream.map(Ok::<_, Infallible>))).into_response())
}
