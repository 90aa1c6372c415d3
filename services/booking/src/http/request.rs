//! Parts of requests beside their bodies.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use ids::{HoldId, OrderId, UserId};
use kit::{error::ApiError, http::PathId};

use super::{answer::refused, payload::OfUser};
use crate::refusal::Refusal;

/// The longest idempotency key: nobody needs a longer one.
const LONGEST_KEY: usize = 255;
const KEY_HEADER: &str = "idempotency-key";

/// The key under which a client may repeat the call, if it sends one.
pub(crate) struct IdempotencyKey(pub Option<String>);

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

/// The hold that a path names.
pub(crate) struct NamedHold(pub HoldId);

/// The order that a path names.
pub(crate) struct NamedOrder(pub OrderId);

/// The user that a query names.
pub(crate) struct QueriedUser(pub UserId);

impl<S: Send + Sync> FromRequestParts<S> for NamedHold {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        named(parts, state).await.map(Self).ok_or_else(|| refused(Refusal::NoHold))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NamedOrder {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        named(parts, state).await.map(Self).ok_or_else(|| refused(Refusal::NoOrder))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for QueriedUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<OfUser>::from_request_parts(parts, state).await;
        query.map(|Query(of)| Self(of.user_uuid)).map_err(|_| ApiError::invalid_payload())
    }
}

async fn named<Id: FromStr, S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<Id> {
    let Ok(PathId(id)) = PathId::from_request_parts(parts, state).await;
    id
}
