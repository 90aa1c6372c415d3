//! The stores that the operator talks to. Each client stands behind a small trait, has its own time limits, and returns
//! errors of four classes.

pub mod connect;
pub mod elasticsearch;
pub mod postgres;

use std::time::Duration;

use crate::failures::ErrorClass;

/// The longest time that one request may take. Stores are asked in every reconcile, and a slow one must not delay the
/// rest.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// The longest time until a connection is established.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// An error of a store, or of the way to it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    pub class: ErrorClass,
    /// The error in words, with the name of the store.
    pub message: String,
}

impl BackendError {
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }

    /// An error that may pass by itself.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient, message)
    }
}

pub type BackendResult<T> = Result<T, BackendError>;

/// The class of an HTTP status.
fn class_of(status: reqwest::StatusCode) -> ErrorClass {
    match status.as_u16() {
        401 | 403 => ErrorClass::Unauthorized,
        409 => ErrorClass::Conflict,
        408 | 429 | 500..=599 => ErrorClass::Transient,
        _ => ErrorClass::Invalid,
    }
}

/// An error of the HTTP client, with its innermost cause. The outer text only repeats the URL.
fn request_error(store: &str, error: &reqwest::Error) -> BackendError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
    BackendError::transient(format!("{store}: {what}"))
}

/// Sends a request and returns status and body. An answer of any status is no error here.
async fn send(store: &str, request: reqwest::RequestBuilder) -> BackendResult<(reqwest::StatusCode, String)> {
    let response = request.send().await.map_err(|error| request_error(store, &error))?;
    let status = response.status();
    let body = response.text().await.map_err(|error| request_error(store, &error))?;
    Ok((status, body))
}

/// The error for an answer that is not a success.
fn refused(store: &str, what: &str, status: reqwest::StatusCode, body: &str) -> BackendError {
    /// Enough of a body to say what is wrong, without a page of stack trace.
    const LONGEST_BODY_CHARS: usize = 600;
    let body: String = body.chars().take(LONGEST_BODY_CHARS).collect();
    BackendError::new(class_of(status), format!("{store}: {what}: {status}: {body}"))
}

/// The HTTP client that all stores share.
///
/// # Errors
/// When the TLS library cannot be set up.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().timeout(REQUEST_TIMEOUT).connect_timeout(CONNECT_TIMEOUT).build()
}
