//! The HTTP API.

mod conditional;
mod encoding;
mod show;
mod stream;

use std::sync::Arc;

use axum::http::HeaderValue;
use kit::error::ErrorBody;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{metrics::EventMetrics, page::Pages, streams::Streams};

/// The base of all paths.
const BASE: &str = "/api/v1/management";

/// The state of a seat is true only at the moment of the answer, so no cache may use a page without asking again.
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-cache");

/// The state of the handlers.
pub(crate) struct Events {
    pub(crate) pages: Pages,
    pub(crate) streams: Streams,
    pub(crate) metrics: Arc<EventMetrics>,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Event management", description = "The page of an event with the current state of its seats."),
    components(schemas(ErrorBody))
)]
struct Document;

pub(crate) fn routes(events: Arc<Events>) -> OpenApiRouter {
    documented().with_state(events)
}

/// The OpenAPI document that the program serves and the repository keeps.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

fn documented() -> OpenApiRouter<Arc<Events>> {
    let routes = OpenApiRouter::new().routes(routes!(show::show)).routes(routes!(stream::stream));
    OpenApiRouter::with_openapi(Document::openapi()).nest(BASE, routes)
}
