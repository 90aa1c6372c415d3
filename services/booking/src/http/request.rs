//! What requests have in common beside their bodies.

use axum::{
    extract::{FromRequestParts, Path, Query, rejection::PathRejection, rejection::QueryRejection},
    http::request::Parts,
};
use service_kit::error::ApiError;
use uuid::Uuid;

use super::payload::{self, OfUser};

/// After the IETF's draft; longer keys serve nobody.
const LONGEST_KEY: usize = 255;
const KEY_HEADER: &str = "idempotency-key";

/// The key under which a client may repeat the call, where it sends one.
pub(super) struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all(KEY_HEADER).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
        match text {
            Some(text) if (1..=LONGEST_KEY).contains(&text.len()) && values.next().is_none() => {
                Ok(Self(Some(text.to_owned())))
            }
            _ => Err(ApiError::invalid_payload()),
        }
    }
}

/// The thing that a path names; what is no UUID names nothing.
pub(super) fn named(path: Result<Path<String>, PathRejection>, nothing: ApiError) -> Result<Uuid, ApiError> {
    path.ok().and_then(|Path(text)| payload::parse(&text)).ok_or(nothing)
}

/// The user that a query is for.
pub(super) fn user(query: Result<Query<OfUser>, QueryRejection>) -> Result<Uuid, ApiError> {
    query.map(|Query(of)| of.user_uuid).map_err(|_| ApiError::invalid_payload())
}
