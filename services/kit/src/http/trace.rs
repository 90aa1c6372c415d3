//! One span a request, under a trace id that the client may bring.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use uuid::Uuid;

/// Length of a trace id: 16 bytes in hexadecimal (W3C Trace Context, `traceparent`).
const TRACE_ID_LENGTH: usize = 32;

pub(super) async fn request(request: Request, next: Next) -> Response {
    let trace_id = trace_id(request.headers());
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str);
    let span = tracing::info_span!("request", trace_id, method = %request.method(), route);
    let mut response = async move {
        let response = next.run(request).await;
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await;
    if let Ok(value) = HeaderValue::from_str(&trace_id) {
        response.headers_mut().insert("x-trace-id", value);
    }
    response
}

/// The trace id of a valid `traceparent` (version-traceid-parentid-flags), else a new one.
fn trace_id(headers: &HeaderMap) -> String {
    let brought =
        headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(|value| value.split('-').nth(1));
    match brought {
        Some(id) if id.len() == TRACE_ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => id.to_owned(),
        _ => Uuid::new_v4().simple().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_brings_its_trace_id() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let mut headers = HeaderMap::new();
        headers
            .insert("traceparent", HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert_eq!(trace_id(&headers), id);
        headers.insert("traceparent", HeaderValue::from_static("00-not a trace id-00"));
        assert_eq!(trace_id(&headers).len(), TRACE_ID_LENGTH);
    }
}
