//! Errors that many operations answer with, for the OpenAPI documents: entries for `responses` in `utoipa::path`.

use utoipa::IntoResponses;

use crate::error::ErrorBody;

/// 400 `invalid_request_payload`: see [`ApiError::invalid_payload`](crate::error::ApiError::invalid_payload).
#[derive(Debug, IntoResponses)]
#[response(status = 400, description = "`invalid_request_payload`: the request cannot be read. Nothing was changed.")]
pub struct InvalidPayload(pub ErrorBody);

/// 500 `internal_server_error`: see [`ApiError::internal`](crate::error::ApiError::internal).
#[derive(Debug, IntoResponses)]
#[response(status = 500, description = "`internal_server_error`: the service is at fault, and its log says why.")]
pub struct Internal(pub ErrorBody);

/// 503 `unavailable`: see [`ApiError::unavailable`](crate::error::ApiError::unavailable).
#[derive(Debug, IntoResponses)]
#[response(
    status = 503,
    description = "`unavailable`: a store is down or too slow. Try again after `Retry-After` seconds."
)]
pub struct Unavailable(pub ErrorBody);

/// 503 `unavailable` of an operation that may have taken effect all the same.
#[derive(Debug, IntoResponses)]
#[response(
    status = 503,
    description = "`unavailable`: a store is down or too slow, and the request may have taken effect. Repeat it after \
                   `Retry-After` seconds to learn the outcome."
)]
pub struct OutcomeUnknown(pub ErrorBody);
