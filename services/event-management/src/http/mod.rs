//! The routes and their JSON.

mod page;
mod show;

use service_kit::error::ErrorBody;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::details::Details;
use crate::seats::Seats;

/// The base of all paths.
const BASE: &str = "/api/v1/management";

/// What the handlers need.
#[derive(Clone)]
pub(crate) struct Events {
    pub(crate) details: Details,
    pub(crate) seats: Seats,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Event management", description = "The page of an event with the live state of its seats."),
    components(schemas(ErrorBody))
)]
struct Document;

/// The service's own routes.
pub(crate) fn routes(events: Events) -> OpenApiRouter {
    // Pages of 2,000 seats shrink to a tenth at any level; the fastest costs the least.
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    documented().with_state(events).layer(compression)
}

/// The OpenAPI document that the program serves and the repository keeps.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

fn documented() -> OpenApiRouter<Events> {
    OpenApiRouter::with_openapi(Document::openapi()).nest(BASE, OpenApiRouter::new().routes(routes!(show::show)))
}
