//! Orders: placed from a hold, shown, listed, cancelled, refunded.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::StatusCode,
};
use ids::{OrderId, UserId};
use kit::{
    error::{ApiError, ErrorBody},
    http::{
        Json, Page, PageTooDeep,
        answers::{InvalidPayload, OutcomeUnknown, Unavailable},
        parse_id,
    },
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    answer::refused,
    order_body::{Order, OrderPage},
    payload::{OfUser, OrderRequest},
    request::{IdempotencyKey, NamedOrder, QueriedUser},
};
use crate::{
    orders::{self, Orders},
    refusal::Refusal,
    selling::{Checkout, SaleError},
};

const TOO_DEEP: ApiError = ApiError::new(StatusCode::BAD_REQUEST, "page_too_deep", "Page is too deep");

type Answer = Result<(StatusCode, axum::Json<Order>), ApiError>;

/// Place an order
///
/// Takes the payment and books all tickets of the hold for its user. A repeat under the same `Idempotency-Key` is
/// answered with the order of the first call.
#[utoipa::path(
    post,
    path = "/orders",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters, for the same request only.")),
    request_body = OrderRequest,
    responses(
        (status = 201, description = "The tickets are the user's", body = Order),
        (status = 202, description = "The payment is under way: it needs the customer's action (`next_action`), or its outcome is not known yet", body = Order),
        InvalidPayload,
        (status = 402, description = "`payment_declined`: the hold stays; `payment_method_refused`", body = ErrorBody),
        (status = 409, description = "`ticket_not_reserved`, `ticket_not_available`, `hold_is_being_sold`, `idempotency_key_reused`", body = ErrorBody),
        OutcomeUnknown,
    )
)]
pub(crate) async fn create(
    State(checkout): State<Arc<Checkout>>,
    State(orders): State<Orders>,
    IdempotencyKey(key): IdempotencyKey,
    Json(wanted): Json<OrderRequest>,
) -> Answer {
    let OrderRequest { hold_uuid, user_uuid, payment_method_uuid, .. } = wanted;
    let (status, order, client_secret) = match checkout.order(hold_uuid, user_uuid, payment_method_uuid, key).await {
        Ok(order) => (StatusCode::CREATED, order, None),
        Err(SaleError::ActionRequired { order, client_secret }) => (StatusCode::ACCEPTED, order, client_secret),
        Err(SaleError::Unsettled { order }) => (StatusCode::ACCEPTED, order, None),
        Err(error) => return Err(error.into()),
    };
    let order = existing(&orders, order, user_uuid).await?;
    Ok((status, axum::Json(Order::new(order, client_secret))))
}

/// Show an order
#[utoipa::path(
    get,
    path = "/orders/{order_uuid}",
    params(("order_uuid" = Uuid, Path, description = "The order."), OfUser),
    responses(
        (status = 200, description = "The order", body = Order),
        InvalidPayload,
        (status = 404, description = "`order_not_found`: the user has no such order", body = ErrorBody),
        Unavailable,
    )
)]
pub(crate) async fn show(
    State(checkout): State<Arc<Checkout>>,
    State(orders): State<Orders>,
    NamedOrder(order): NamedOrder,
    QueriedUser(user): QueriedUser,
) -> Answer {
    let order = existing(&orders, order, user).await?;
    let client_secret = checkout.client_secret(&order).await?;
    Ok((StatusCode::OK, axum::Json(Order::new(order, client_secret))))
}

/// The page of orders that is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// The buyer.
    #[param(format = Uuid)]
    user_uuid: String,
    /// From 1. A value that is not a number of at least 1 counts as 1.
    page: Option<String>,
    /// 1 to 100, default 10. A larger value counts as 100.
    size: Option<String>,
}

/// List the orders of a buyer, newest first
#[utoipa::path(
    get,
    path = "/orders",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of orders", body = OrderPage),
        (status = 400, description = "`invalid_request_payload`, `page_too_deep`", body = ErrorBody),
        Unavailable,
    )
)]
pub(crate) async fn list(
    State(orders): State<Orders>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<axum::Json<OrderPage>, ApiError> {
    let Query(query) = query.map_err(|_| ApiError::invalid_payload())?;
    let user = parse_id(&query.user_uuid).ok_or_else(ApiError::invalid_payload)?;
    let page = Page::read(query.page.as_deref(), query.size.as_deref()).map_err(|PageTooDeep| TOO_DEEP)?;
    let (orders, total) = orders.list(user, page.offset(), page.size).await?;
    let orders = orders.into_iter().map(|order| Order::new(order, None)).collect();
    Ok(axum::Json(OrderPage { orders, total, page: page.number, size: page.size }))
}

/// Cancel an order
///
/// Ends a payment that is under way. What is left of the hold comes back to the user.
#[utoipa::path(
    post,
    path = "/orders/{order_uuid}/cancel",
    params(("order_uuid" = Uuid, Path, description = "The order.")),
    request_body = OfUser,
    responses(
        (status = 200, description = "The order is cancelled", body = Order),
        InvalidPayload,
        (status = 404, description = "`order_not_found`", body = ErrorBody),
        (status = 409, description = "`order_not_cancellable`: it is booked, or about to be; see refund", body = ErrorBody),
        Unavailable,
    )
)]
pub(crate) async fn cancel(
    State(checkout): State<Arc<Checkout>>,
    NamedOrder(order): NamedOrder,
    Json(of): Json<OfUser>,
) -> Answer {
    let order = checkout.cancel(order, of.user_uuid).await?;
    Ok((StatusCode::OK, axum::Json(Order::new(order, None))))
}

/// Refund an order
///
/// Makes the tickets available again and gives back all that was paid. A repeat is answered the same.
#[utoipa::path(
    post,
    path = "/orders/{order_uuid}/refund",
    params(
        ("order_uuid" = Uuid, Path, description = "The order."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters, for the same request only."),
    ),
    request_body = OfUser,
    responses(
        (status = 200, description = "The order is refunded; `payment.state` tells whether the money is given back", body = Order),
        InvalidPayload,
        (status = 404, description = "`order_not_found`", body = ErrorBody),
        (status = 409, description = "`order_not_refundable`: not booked, or its event is over; `idempotency_key_reused`", body = ErrorBody),
        Unavailable,
    )
)]
pub(crate) async fn refund(
    State(checkout): State<Arc<Checkout>>,
    NamedOrder(order): NamedOrder,
    IdempotencyKey(key): IdempotencyKey,
    Json(of): Json<OfUser>,
) -> Answer {
    let order = checkout.refund(order, of.user_uuid, key).await?;
    Ok((StatusCode::OK, axum::Json(Order::new(order, None))))
}

async fn existing(orders: &Orders, order: OrderId, user: UserId) -> Result<orders::Order, ApiError> {
    orders.find(order, user).await?.ok_or_else(|| refused(Refusal::NoOrder))
}
