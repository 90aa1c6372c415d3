//! `GET /api/v1/search/feed`

use axum::{Json, extract::State};

use super::AppState;
use crate::feed::FeedStatus;

/// Show the change feed of this replica. While it does not run, search answers stay correct but get old.
#[utoipa::path(
    get,
    path = "/api/v1/search/feed",
    operation_id = "feed_status",
    responses((status = OK, description = "State of the feed, and lag of each partition", body = FeedStatus))
)]
pub(crate) async fn status(State(state): State<AppState>) -> Json<FeedStatus> {
    Json(state.feed.read())
}
