//! Errors as clients see them: a stable code and a message. What happened inside goes to the log only.

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long a client should wait before it tries again after a store was down.
const RETRY_AFTER_SECONDS: u32 = 2;

/// The body of every answer with a status of 400 or above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// A stable code in snake_case, for programs.
    #[schema(example = "invalid_request_payload")]
    pub error: String,
    /// A message for people.
    #[schema(example = "Invalid request payload")]
    pub message: String,
}

/// An answer with a status of 400 or above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    retry_after_seconds: Option<u32>,
}

impl ApiError {
    /// Makes an error.
    #[must_use]
    pub const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message: Cow::Borrowed(message), retry_after_seconds: None }
    }

    /// Adds `Retry-After`: the time after which trying again may help.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The request cannot be read.
    #[must_use]
    pub const fn invalid_payload() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_payload", "Invalid request payload")
    }

    /// A store is down or too slow.
    #[must_use]
    pub const fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Service is temporarily unavailable")
            .retry_after(RETRY_AFTER_SECONDS)
    }

    /// The service is at fault. The caller logs the cause before it makes this error.
    #[must_use]
    pub const fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", "Internal server error")
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code of the answer.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: self.code.to_owned(), message: self.message.into_owned() };
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&sqlx::Error> for ApiError {
    fn from(error: &sqlx::Error) -> Self {
        let unavailable = crate::postgres::is_unavailable(error);
        tracing::error!(%error, unavailable, "PostgreSQL failed");
        if unavailable { Self::unavailable() } else { Self::internal() }
    }
}

impl From<redis::RedisError> for ApiError {
    /// Every error of Redis is unavailability: the request itself was good and can be tried again.
    fn from(error: redis::RedisError) -> Self {
        tracing::error!(%error, "Redis failed");
        Self::unavailable()
    }
}
