//! JSON bodies.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use super::limits::{REQUEST_TIMEOUT, timed_out};
use crate::error::ApiError;

/// A JSON body. A body that cannot be read as a `T`, because it is missing, malformed or too large, answers 400
/// `invalid_request_payload`; one that arrives too slowly answers 408.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| if timed_out(&rejection) { REQUEST_TIMEOUT } else { ApiError::invalid_payload() })?;
        serde_json::from_slice(&body).map(Json).map_err(|error| {
            tracing::debug!(%error, "request payload refused");
            ApiError::invalid_payload()
        })
    }
}
