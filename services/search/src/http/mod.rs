//! The HTTP API.

mod events;
mod feed;

use tokio::sync::watch;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    feed::SharedStatus,
    index::{Index, IndexHealth},
    query::Cache,
};

#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) index: Index,
    pub(crate) health: watch::Receiver<IndexHealth>,
    pub(crate) cache: Cache,
    pub(crate) feed: SharedStatus,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Search",
    description = "Finds upcoming events.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Document;

/// The routes and their OpenAPI document.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi()).routes(routes!(events::search)).routes(routes!(feed::status))
}
