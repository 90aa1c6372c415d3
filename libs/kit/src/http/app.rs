//! The router of a service: its own routes, and what all services have.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::FutureExt;
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;

use super::{limits, trace};
use crate::{error::ApiError, health::Health, metrics::Metrics, settings::ServerSettings};

/// The largest body that a service reads: 64 KiB. Requests of the API have some hundred bytes.
const MAX_BODY_BYTES: usize = 64 << 10;

const NOT_FOUND: ApiError = ApiError::new(StatusCode::NOT_FOUND, "not_found", "Not found");
const METHOD_NOT_ALLOWED: ApiError =
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed");

/// Makes the router of a service: its own routes, `/livez`, `/readyz`, `/metrics` and `/openapi.json`. All of them
/// answer errors in JSON, have the limits of the settings, and are measured and traced.
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
        .layer(middleware::from_fn_with_state(Around::new(settings, metrics), around))
}

/// What the layer around all requests needs. It is one layer, because each layer costs every request an allocation or
/// two.
#[derive(Clone)]
struct Around {
    metrics: Metrics,
    body_within: Duration,
    answer_within: Duration,
}

impl Around {
    fn new(settings: &ServerSettings, metrics: &Metrics) -> Self {
        Self { metrics: metrics.clone(), body_within: settings.read_timeout, answer_within: settings.ctx_timeout }
    }
}

async fn around(State(around): State<Around>, request: Request, next: Next) -> Response {
    let trace_id = trace::id(request.headers());
    let method = known_method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str);
    let span = tracing::info_span!("request", trace_id, method, route);
    let started = Instant::now();
    let answer = next.run(limits::bound_body(request, around.body_within));
    let mut response = answer_in_any_case(answer, around.answer_within).instrument(span).await;
    around.metrics.observe(method, route, response.status(), started.elapsed());
    if let Ok(value) = HeaderValue::try_from(trace_id) {
        response.headers_mut().insert("x-trace-id", value);
    }
    response
}

/// Answers 500 for a handler that panics, and 503 for one that takes too long.
async fn answer_in_any_case(answer: impl Future<Output = Response>, limit: Duration) -> Response {
    match AssertUnwindSafe(tokio::time::timeout(limit, answer)).catch_unwind().await {
        Ok(Ok(response)) => {
            tracing::debug!(status = response.status().as_u16(), "answered");
            response
        }
        Ok(Err(_)) => {
            tracing::error!(limit_seconds = limit.as_secs(), "the answer took too long");
            ApiError::unavailable().into_response()
        }
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            tracing::error!(message, "a handler panicked");
            ApiError::internal().into_response()
        }
    }
}

/// The label of a method. Clients may send any text as a method, so only the usual ones become labels.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
