//! A service's routes wrapped in what all services have.

use std::any::Any;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use super::{limits, trace};
use crate::{error::ApiError, health::Health, metrics::Metrics, settings::ServerSettings};

/// The largest body that a service reads, 64 KiB: a request of ours is some hundred bytes.
const MAX_BODY_BYTES: usize = 64 << 10;

const NOT_FOUND: ApiError = ApiError::new(StatusCode::NOT_FOUND, "not_found", "Not found");
const METHOD_NOT_ALLOWED: ApiError =
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed");

/// The whole router of a service: its own routes, `/livez`, `/readyz`, `/metrics`, `/openapi.json`, and around all of
/// them the JSON errors, the limits, the metrics and the trace.
pub fn app(routes: OpenApiRouter, settings: &ServerSettings, health: &Health, metrics: &Metrics) -> Router {
    let (routes, document) = routes.split_for_parts();
    Router::new()
        .merge(routes)
        .merge(health.routes())
        .merge(metrics.routes())
        .route("/openapi.json", get(async move || Json(document)))
        .fallback(async || NOT_FOUND)
        .method_not_allowed_fallback(async || METHOD_NOT_ALLOWED)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(settings.read_timeout, limits::bound_body))
        .layer(middleware::from_fn_with_state(settings.ctx_timeout, answer_in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(metrics.clone(), crate::metrics::observe))
        .layer(middleware::from_fn(trace::request))
}

async fn answer_in_time(State(limit): State<std::time::Duration>, request: Request, next: Next) -> Response {
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        tracing::error!(limit_seconds = limit.as_secs(), "the answer took too long");
        ApiError::unavailable().into_response()
    })
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    ApiError::internal().into_response()
}
