//! The routes under `/api/v1/booking`.

mod answer;
mod holds;
mod order_body;
mod orders;
mod payload;
mod payments;
mod request;
mod tickets;

use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::booking::Booking;

#[derive(OpenApi)]
#[openapi(info(title = "Booking", description = "Holds tickets and sells them."))]
struct Document;

/// All routes, with what they work on.
pub fn routes(booking: Booking) -> OpenApiRouter {
    OpenApiRouter::with_openapi(Document::openapi())
        .nest(
            "/api/v1/booking",
            OpenApiRouter::new()
                .routes(routes!(tickets::reserve))
                .routes(routes!(tickets::confirm))
                .routes(routes!(holds::create))
                .routes(routes!(holds::show, holds::release))
                .routes(routes!(holds::extend))
                .routes(routes!(orders::create, orders::list))
                .routes(routes!(orders::show))
                .routes(routes!(orders::cancel))
                .routes(routes!(orders::refund))
                .routes(routes!(payments::save_method))
                .routes(routes!(payments::stripe_webhook)),
        )
        .with_state(booking)
}
