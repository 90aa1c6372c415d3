//! The routes under `/api/v1/booking`.

mod payload;
mod tickets;

use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::booking::Booking;

#[derive(OpenApi)]
#[openapi(info(title = "Booking", description = "Reserves tickets and sells them."))]
struct Document;

/// All routes, with what they work on.
pub fn routes(booking: Booking) -> OpenApiRouter {
    OpenApiRouter::with_openapi(Document::openapi())
        .nest(
            "/api/v1/booking",
            OpenApiRouter::new().routes(routes!(tickets::reserve)).routes(routes!(tickets::confirm)),
        )
        .with_state(booking)
}
