//! Reserving and confirming a ticket.

use axum::{extract::State, http::StatusCode};
use kit::error::{ApiError, ErrorBody, Json};

use super::{
    answer::{not_available, not_reserved},
    payload::{Confirmation, Reservation},
};
use crate::booking::Booking;

/// Reserve a ticket
///
/// Holds the ticket for the user. The owner's repeat succeeds and does not prolong the hold.
#[utoipa::path(
    post,
    path = "/tickets/reserve",
    request_body = Reservation,
    responses(
        (status = 200, description = "The ticket is reserved for the user"),
        (status = 400, description = "`invalid_request_payload`", body = ErrorBody),
        (status = 409, description = "`ticket_not_available`: held by somebody else, sold, or unknown; `event_over`, `event_cancelled`, `not_on_sale`, `sale_ended`, `ticket_limit_reached`", body = ErrorBody),
        (status = 500, description = "`internal_server_error`", body = ErrorBody),
        (status = 503, description = "`unavailable`: a store is down; see `Retry-After`", body = ErrorBody),
    )
)]
pub(crate) async fn reserve(
    State(booking): State<Booking>,
    Json(wanted): Json<Reservation>,
) -> Result<StatusCode, ApiError> {
    let outcome = booking.reserve(wanted.ticket_uuid, wanted.user_uuid).await;
    outcome.map(|()| StatusCode::OK).map_err(not_available)
}

/// Confirm a reservation
///
/// Takes the payment and books the ticket for the user who reserved it. Once it is booked, his repeat succeeds and
/// charges nothing: a client that did not get its answer asks again.
#[utoipa::path(
    post,
    path = "/tickets/confirm",
    request_body = Confirmation,
    responses(
        (status = 200, description = "The ticket is the user's"),
        (status = 400, description = "`invalid_request_payload`", body = ErrorBody),
        (status = 402, description = "`payment_declined`: the hold stays; `payment_requires_action`: the same call after the customer has acted finishes it; `payment_method_refused`", body = ErrorBody),
        (status = 409, description = "`ticket_not_reserved`: never reserved by this user, or the hold ran out", body = ErrorBody),
        (status = 500, description = "`internal_server_error`", body = ErrorBody),
        (status = 503, description = "`unavailable`: a store is down and the outcome may not be known; see `Retry-After` and ask again", body = ErrorBody),
    )
)]
pub(crate) async fn confirm(
    State(booking): State<Booking>,
    Json(wanted): Json<Confirmation>,
) -> Result<StatusCode, ApiError> {
    let outcome = booking.confirm(wanted.ticket_uuid, wanted.user_uuid, wanted.payment_method_uuid).await;
    outcome.map(|()| StatusCode::OK).map_err(not_reserved)
}
