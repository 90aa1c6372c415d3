//! Errors as clients see them: a stable code, a message, and nothing of what happened inside.

use std::borrow::Cow;

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

/// When a client may try again after a store was down.
const RETRY_AFTER_SECONDS: u32 = 2;

/// The body of every answer with a status of 400 or above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// A stable code in snake_case, for programs.
    #[schema(example = "invalid_request_payload")]
    pub error: String,
    /// The same for people.
    #[schema(example = "Invalid request payload")]
    pub message: String,
}

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    retry_after_seconds: Option<u32>,
}

impl ApiError {
    /// An error of the service's own.
    #[must_use]
    pub const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message: Cow::Borrowed(message), retry_after_seconds: None }
    }

    /// The same error, with the time after which trying again may help.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// A body that cannot be read as what the call wants.
    #[must_use]
    pub const fn invalid_payload() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_payload", "Invalid request payload")
    }

    /// A store that is down, or too slow to wait for.
    #[must_use]
    pub const fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Service is temporarily unavailable")
            .retry_after(RETRY_AFTER_SECONDS)
    }

    /// A fault of ours. Whoever makes it has logged why.
    #[must_use]
    pub const fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", "Internal server error")
    }

    /// The status that the client will see.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code that the client will see.
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
    /// Whatever is wrong with Redis, the request was not: it can be tried again.
    fn from(error: redis::RedisError) -> Self {
        tracing::error!(%error, "Redis failed");
        Self::unavailable()
    }
}

/// A JSON body. Whatever keeps it from being read as a `T` — no body, other content, too large — answers
/// 400 `invalid_request_payload`.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = axum::body::Bytes::from_request(request, state).await.map_err(|rejection| {
            if crate::http::timed_out(&rejection) { crate::http::REQUEST_TIMEOUT } else { ApiError::invalid_payload() }
        })?;
        serde_json::from_slice(&body).map(Json).map_err(|error| {
            tracing::debug!(%error, "request payload refused");
            ApiError::invalid_payload()
        })
    }
}
