//! Reserving and confirming a ticket.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use kit::{
    error::{ApiError, ErrorBody},
    http::{
        Json,
        answers::{Internal, InvalidPayload, OutcomeUnknown, Unavailable},
    },
};

use super::{
    answer::{not_available, not_reserved},
    payload::{Confirmation, Reservation},
};
use crate::{holding::Holds, selling::Checkout};

/// Reserve a ticket
///
/// Holds the ticket for the user. The owner's repeat succeeds and does not prolong the hold.
#[utoipa::path(
    post,
    path = "/tickets/reserve",
    request_body = Reservation,
    responses(
        (status = 200, description = "The ticket is reserved for the user"),
        InvalidPayload,
        (status = 409, description = "`ticket_not_available`: held by another user, sold, or unknown; `event_over`, `event_cancelled`, `not_on_sale`, `sale_ended`, `ticket_limit_reached`", body = ErrorBody),
        Internal,
        Unavailable,
    )
)]
pub(crate) async fn reserve(
    State(holds): State<Arc<Holds>>,
    Json(wanted): Json<Reservation>,
) -> Result<StatusCode, ApiError> {
    let outcome = holds.reserve(wanted.ticket_uuid, wanted.user_uuid).await;
    outcome.map(|()| StatusCode::OK).map_err(not_available)
}

/// Confirm a reservation
///
/// Takes the payment and books the ticket for the user who reserved it. Once the ticket is booked, the user's repeat
/// succeeds and charges nothing, so a client that did not get its answer can ask again.
#[utoipa::path(
    post,
    path = "/tickets/confirm",
    request_body = Confirmation,
    responses(
        (status = 200, description = "The ticket is the user's"),
        InvalidPayload,
        (status = 402, description = "`payment_declined`: the hold stays; `payment_requires_action`: the same call after the customer has acted finishes it; `payment_method_refused`", body = ErrorBody),
        (status = 409, description = "`ticket_not_reserved`: never reserved by this user, or the hold ran out", body = ErrorBody),
        Internal,
        OutcomeUnknown,
    )
)]
pub(crate) async fn confirm(
    State(checkout): State<Arc<Checkout>>,
    Json(wanted): Json<Confirmation>,
) -> Result<StatusCode, ApiError> {
    let outcome = checkout.confirm(wanted.ticket_uuid, wanted.user_uuid, wanted.payment_method_uuid).await;
    outcome.map(|()| StatusCode::OK).map_err(not_reserved)
}
