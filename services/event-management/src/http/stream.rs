//! `GET /events/{uuid}/seats/stream`.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use kit::{
    error::{ApiError, ErrorBody},
    http::PathId,
};
use uuid::Uuid;

use super::{Events, NOT_KEPT, show::EVENT_NOT_FOUND};
use crate::streams::{Refused, SeatChanges};

/// When a client that was refused may try again: streams end as their pages are left.
const RETRY_AFTER_SECONDS: u32 = 5;

const TOO_MANY_STREAMS: ApiError =
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", "Too many streams are open")
        .retry_after(RETRY_AFTER_SECONDS);

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
/// nginx, and others after it, would otherwise collect an answer before they pass it on.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// What happens to the seats of an event, as server-sent events
///
/// First an event `snapshot` with all seats, then events `seats` with those that changed; the data of both is
/// `SeatChanges`. Each has an `id`: a client that comes back with the last one as `Last-Event-ID`, as browsers do by
/// themselves, is sent what changed since, or a `snapshot` when that state is not known any more. Another `snapshot`
/// follows when tickets were added or removed. When the event is deleted an event `end` closes the stream. A comment
/// every 15 seconds says that the stream lives.
#[utoipa::path(
    get,
    path = "/events/{uuid}/seats/stream",
    tag = "events",
    params(
        ("uuid" = Uuid, Path, description = "The event's identifier."),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last piece that the client saw."),
    ),
    responses(
        (status = 200, description = "The stream.", body = SeatChanges, content_type = "text/event-stream"),
        (status = 404, description = "There is no such event, or this is no identifier.", body = ErrorBody),
        (status = 500, description = "A fault of the service.", body = ErrorBody),
        (status = 503, description = "The database is down, or too many streams are open; try again after \
            `Retry-After` seconds.", body = ErrorBody),
    )
)]
pub(crate) async fn stream(
    State(events): State<Arc<Events>>,
    PathId(event): PathId<Uuid>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let event = event.ok_or(EVENT_NOT_FOUND)?;
    let stream = events.streams.open(event, last_seen).await.map_err(|refused| match refused {
        Refused::Full => TOO_MANY_STREAMS,
        Refused::NoDetails(reason) => reason.into(),
    })?;
    let headers = [(header::CONTENT_TYPE, EVENT_STREAM), (header::CACHE_CONTROL, NOT_KEPT), UNBUFFERED];
    Ok((headers, Body::from_stream(stream.map(Ok::<_, Infallible>))).into_response())
}
