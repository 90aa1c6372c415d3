//! Orders: made from a hold, looked at, cancelled, given back.

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use kit::{
    error::{ApiError, ErrorBody, Json},
    http::{Page, PageTooDeep, parse_id},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    order_body::{Order, Orders},
    payload::{OfUser, OrderRequest},
    request::{IdempotencyKey, NamedOrder, QueriedUser},
};
use crate::{booking::Booking, failure::Failure};

const TOO_DEEP: ApiError = ApiError::new(StatusCode::BAD_REQUEST, "page_too_deep", "Page is too deep");

type Answer = Result<(StatusCode, axum::Json<Order>), ApiError>;

/// Order what is held
///
/// Takes the payment and books all tickets of the hold for its user. A repeat under the same `Idempotency-Key` is answered with
/// what came of the first call.
#[utoipa::path(
    post,
    path = "/orders",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters, for the same request only.")),
    request_body = OrderRequest,
    responses(
        (status = 201, description = "The tickets are the user's", body = Order),
        (status = 202, description = "The payment is under way: it needs the customer's action (`next_action`), or its outcome is not known yet", body = Order),
        (status = 400, description = "`invalid_request_payload`", body = ErrorBody),
        (status = 402, description = "`payment_declined`: the hold stays; `payment_method_refused`", body = ErrorBody),
        (status = 409, description = "`ticket_not_reserved`, `ticket_not_available`, `hold_is_being_sold`, `idempotency_key_reused`", body = ErrorBody),
        (status = 503, description = "`unavailable`: a store is down and the outcome may not be known; see `Retry-After` and ask again", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    State(booking): State<Booking>,
    IdempotencyKey(key): IdempotencyKey,
    Json(wanted): Json<OrderRequest>,
) -> Answer {
    let OrderRequest { hold_uuid, user_uuid, payment_method_uuid, .. } = wanted;
    let (status, order, client_secret) = match booking.order(hold_uuid, user_uuid, payment_method_uuid, key).await {
        Ok(order) => (StatusCode::CREATED, order, None),
        Err(Failure::ActionRequired { order, client_secret }) => (StatusCode::ACCEPTED, order, client_secret),
        Err(Failure::Unsettled { order }) => (StatusCode::ACCEPTED, order, None),
        Err(failure) => return Err(failure.into()),
    };
    let order = booking.show_order(order, user_uuid).await?;
    Ok((status, axum::Json(Order::new(order, client_secret))))
}

/// Look at an order
#[utoipa::path(
    get,
    path = "/orders/{order_uuid}",
    params(("order_uuid" = Uuid, Path, description = "The order."), OfUser),
    responses(
        (status = 200, description = "The order", body = Order),
        (status = 400, description = "`invalid_request_payload`", body = ErrorBody),
        (status = 404, description = "`order_not_found`: the user has no such order", body = ErrorBody),
        (status = 503, description = "`unavailable`: a store is down; see `Retry-After`", body = ErrorBody),
    )
)]
pub(crate) async fn show(
    State(booking): State<Booking>,
    NamedOrder(order): NamedOrder,
    QueriedUser(user): QueriedUser,
) -> Answer {
    let order = booking.show_order(order, user).await?;
    let client_secret = booking.client_secret(&order).await?;
    Ok((StatusCode::OK, axum::Json(Order::new(order, client_secret))))
}

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The buyer.
    #[param(format = Uuid)]
    user_uuid: String,
    /// From 1. What is no such number is 1.
    page: Option<String>,
    /// 1 to 100, default 10.
    size: Option<String>,
}

/// The orders of a buyer, newest first
#[utoipa::path(
    get,
    path = "/orders",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of orders", body = Orders),
        (status = 400, description = "`invalid_request_payload`, `page_too_deep`", body = ErrorBody),
        (status = 503, description = "`unavailable`: a store is down; see `Retry-After`", body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(booking): State<Booking>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<axum::Json<Orders>, ApiError> {
    let Query(query) = query.map_err(|_| ApiError::invalid_payload())?;
    let user = parse_id(&query.user_uuid).ok_or_else(ApiError::invalid_payload)?;
    let page = Page::read(query.page.as_deref(), query.size.as_deref()).map_err(|PageTooDeep| TOO_DEEP)?;
    let (orders, total) = booking.list_orders(user, page).await?;
    let orders = orders.into_iter().map(|order| Order::new(order, None)).collect();
    Ok(axum::Json(Orders { orders, total, page: page.number, size: page.size }))
}

/// Cancel an order
///
/// Ends a payment that is under way. What is left of the hold comes back.
#[utoipa::path(
    post,
    path = "/orders/{order_uuid}/cancel",
    params(("order_uuid" = Uuid, Path, description = "The order.")),
    request_body = OfUser,
    responses(
        (status = 200, description = "The order is cancelled", body = Order),
        (status = 400, description = "`invalid_request_payload`", body = ErrorBody),
        (status = 404, description = "`order_not_found`", body = ErrorBody),
        (status = 409, description = "`order_not_cancellable`: it is booked, or about to be: see refund", body = ErrorBody),
        (status = 503, description = "`unavailable`: a store is down; see `Retry-After`", body = ErrorBody),
    )
)]
pub(crate) async fn cancel(
    State(booking): State<Booking>,
    NamedOrder(order): NamedOrder,
    Json(of): Json<OfUser>,
) -> Answer {
    let order = booking.cancel_order(order, of.user_uuid).await?;
    Ok((StatusCode::OK, axum::Json(Order::new(order, None))))
}

/// Refund an order
///
/// The tickets are for sale again, and all that was paid is given back. A repeat is answered with what was done.
#[utoipa::path(
    post,
    path = "/orders/{order_uuid}/refund",
    params(
        ("order_uuid" = Uuid, Path, description = "The order."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters, for the same request only."),
    ),
    request_body = OfUser,
    responses(
        (status = 200, description = "The order is refunded; `payment.state` tells when the money is given back", body = Order),
        (status = 400, description = "`invalid_request_payload`", body = ErrorBody),
        (status = 404, description = "`order_not_found`", body = ErrorBody),
        (status = 409, description = "`order_not_refundable`: not booked, or its event is over; `idempotency_key_reused`", body = ErrorBody),
        (status = 503, description = "`unavailable`: a store is down; see `Retry-After`", body = ErrorBody),
    )
)]
pub(crate) async fn refund(
    State(booking): State<Booking>,
    NamedOrder(order): NamedOrder,
    IdempotencyKey(key): IdempotencyKey,
    Json(of): Json<OfUser>,
) -> Answer {
    let order = booking.refund_order(order, of.user_uuid, key).await?;
    Ok((StatusCode::OK, axum::Json(Order::new(order, None))))
}
