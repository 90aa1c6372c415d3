//! The HTTP interface.

mod events;
mod feed;

use tokio::sync::watch;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{cache::Cache, feed::Status, health::IndexHealth, index::Index};

/// What the routes need.
#[derive(Clone)]
pub struct AppState {
    /// Where events are found.
    pub index: Index,
    /// Whether it can answer.
    pub health: watch::Receiver<IndexHealth>,
    /// Answers given before.
    pub cache: Cache,
    /// What the change feed is doing.
    pub feed: Status,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Search",
    description = "Finds upcoming events.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Document;

/// The routes and their OpenAPI document.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi()).routes(routes!(events::search)).routes(routes!(feed::status))
}
