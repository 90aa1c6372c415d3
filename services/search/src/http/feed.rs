//! `GET /api/v1/search/feed`

use axum::{Json, extract::State};

use super::AppState;
use crate::feed::FeedStatus;

/// What the change feed of this replica is doing. Answers are good while it stands still, only not new.
#[utoipa::path(
    get,
    path = "/api/v1/search/feed",
    operation_id = "feed_status",
    responses((status = OK, description = "State and lag", body = FeedStatus))
)]
pub(crate) async fn status(State(state): State<AppState>) -> Json<FeedStatus> {
    Json(state.feed.read())
}
