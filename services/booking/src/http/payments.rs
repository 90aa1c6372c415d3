//! Payment methods and the provider's webhooks.

use std::{sync::Arc, time::SystemTime};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use ids::PaymentMethodId;
use kit::{
    error::{ApiError, ErrorBody},
    http::{
        Json,
        answers::{InvalidPayload, Unavailable},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use super::payload::PaymentMethodRequest;
use crate::{
    payments::verify,
    selling::{Checkout, PaymentMethods, WebhookEvent},
};

const SIGNATURE_HEADER: &str = "stripe-signature";

const BAD_SIGNATURE: ApiError =
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_signature", "The webhook is not signed, or not by Stripe");
const NO_STRIPE: ApiError = ApiError::new(StatusCode::NOT_FOUND, "not_found", "Not found");

/// A saved payment method.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentMethod {
    #[schema(value_type = Uuid)]
    payment_method_uuid: PaymentMethodId,
}

/// Save a payment method
///
/// The method belongs to the user who saves it. The user's repeat is answered with the same method.
#[utoipa::path(
    post,
    path = "/payment-methods",
    request_body = PaymentMethodRequest,
    responses(
        (status = 201, description = "Saved", body = PaymentMethod),
        InvalidPayload,
        (status = 402, description = "`payment_method_refused`: unknown to the provider, another user's, or nothing is paid here", body = ErrorBody),
        (status = 503, description = "`unavailable`: the provider or a store is down; see `Retry-After`", body = ErrorBody),
    )
)]
pub(crate) async fn save_method(
    State(methods): State<PaymentMethods>,
    Json(wanted): Json<PaymentMethodRequest>,
) -> Result<(StatusCode, axum::Json<PaymentMethod>), ApiError> {
    let payment_method_uuid = methods.save(wanted.user_uuid, &wanted.provider_reference).await?;
    Ok((StatusCode::CREATED, axum::Json(PaymentMethod { payment_method_uuid })))
}

/// Receive a webhook of Stripe's
///
/// Each event is stored once, together with its effect.
#[utoipa::path(
    post,
    path = "/payments/stripe/webhook",
    params(("Stripe-Signature" = String, Header, description = "As Stripe signs.")),
    request_body(content = String, description = "A Stripe event.", content_type = "application/json"),
    responses(
        (status = 200, description = "Stored, now or before"),
        (status = 400, description = "`invalid_signature`, `invalid_request_payload`", body = ErrorBody),
        (status = 404, description = "`not_found`: nothing is paid through Stripe here", body = ErrorBody),
        Unavailable,
    )
)]
pub(crate) async fn stripe_webhook(
    State(checkout): State<Arc<Checkout>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let Some(secret) = checkout.webhook_secret() else { return Err(NO_STRIPE) };
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    verify(secret, signature, &body, SystemTime::now()).map_err(|reason| {
        tracing::warn!(%reason, "a webhook was refused");
        BAD_SIGNATURE
    })?;
    let event: WebhookEvent = serde_json::from_slice(&body).map_err(|_| ApiError::invalid_payload())?;
    checkout.receive(&event).await?;
    Ok(StatusCode::OK)
}
