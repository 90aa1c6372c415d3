//! The id of a request in the logs. The client may choose it.

use axum::http::HeaderMap;
use uuid::Uuid;

/// Length of a trace id: 16 bytes in hexadecimal (W3C Trace Context, `traceparent`).
const TRACE_ID_LENGTH: usize = 32;

/// The trace id of a valid `traceparent` (version-traceid-parentid-flags), or a new one.
pub(crate) fn id(headers: &HeaderMap) -> String {
    let sent =
        headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(|value| value.split('-').nth(1));
    match sent {
        Some(id) if id.len() == TRACE_ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => id.to_owned(),
        _ => Uuid::new_v4().simple().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_client_may_choose_the_trace_id() {
        let sent = "4bf92f3577b34da6a3ce929d0e0e4736";
        let mut headers = HeaderMap::new();
        headers
            .insert("traceparent", HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert_eq!(id(&headers), sent);
        headers.insert("traceparent", HeaderValue::from_static("00-not a trace id-00"));
        assert_eq!(id(&headers).len(), TRACE_ID_LENGTH);
    }
}
