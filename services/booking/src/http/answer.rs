//! How clients see each error: a stable code, and a message for people.

use axum::http::StatusCode;
use kit::error::ApiError;

use crate::{holding::HoldError, refusal::Refusal, selling::SaleError};

const CONFLICT: StatusCode = StatusCode::CONFLICT;
const PAYMENT_REQUIRED: StatusCode = StatusCode::PAYMENT_REQUIRED;

impl From<HoldError> for ApiError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Refused(refusal) => refused(refusal),
            HoldError::Postgres(error) => error.as_ref().into(),
            HoldError::Redis(error) => error.into(),
        }
    }
}

impl From<SaleError> for ApiError {
    fn from(error: SaleError) -> Self {
        match error {
            SaleError::Refused(refusal) => refused(refusal),
            SaleError::Declined => Self::new(PAYMENT_REQUIRED, "payment_declined", "Payment was declined"),
            SaleError::ActionRequired { .. } => {
                Self::new(PAYMENT_REQUIRED, "payment_requires_action", "Payment must be confirmed with the card's bank")
            }
            SaleError::GivenUp | SaleError::Unsettled { .. } => Self::unavailable(),
            SaleError::Postgres(error) => error.as_ref().into(),
            SaleError::Redis(error) => error.into(),
            SaleError::Stripe(error) => {
                tracing::error!(%error, "Stripe failed");
                Self::unavailable()
            }
            SaleError::Task(error) => {
                tracing::error!(%error, "a sale's task failed");
                Self::internal()
            }
        }
    }
}

/// The answer to the contract's reserve: the contract's message always, and a code of its own if the customer should
/// know why.
pub(crate) fn not_available(error: HoldError) -> ApiError {
    const MESSAGE: &str = "Ticket is not available for reservation";
    let refusal = match error {
        HoldError::Refused(refusal) => refusal,
        error => return error.into(),
    };
    let code = match refusal {
        // These concern the whole event or the customer.
        Refusal::Over | Refusal::Cancelled | Refusal::NotOnSale | Refusal::SaleEnded | Refusal::Limit => {
            refused(refusal).code()
        }
        Refusal::Unknown | Refusal::Sold | Refusal::Held | Refusal::Selling => "ticket_not_available",
        // Reserving is never refused for these.
        Refusal::OtherEvent
        | Refusal::NotHeld
        | Refusal::NoHold
        | Refusal::HoldLimit
        | Refusal::PaymentMethod
        | Refusal::NoOrder
        | Refusal::NotCancellable
        | Refusal::NotRefundable
        | Refusal::KeyReused => "ticket_not_available",
    };
    ApiError::new(CONFLICT, code, MESSAGE)
}

/// The answer to the contract's confirm.
pub(crate) fn not_reserved(error: SaleError) -> ApiError {
    let refusal = match error {
        SaleError::Refused(refusal) => refusal,
        error => return error.into(),
    };
    match refusal {
        Refusal::PaymentMethod => refused(refusal),
        Refusal::Unknown | Refusal::Sold | Refusal::Selling | Refusal::NotHeld => NOT_RESERVED,
        // Confirming is never refused for these.
        Refusal::OtherEvent
        | Refusal::Over
        | Refusal::Cancelled
        | Refusal::NotOnSale
        | Refusal::SaleEnded
        | Refusal::Held
        | Refusal::Limit
        | Refusal::NoHold
        | Refusal::HoldLimit
        | Refusal::NoOrder
        | Refusal::NotCancellable
        | Refusal::NotRefundable
        | Refusal::KeyReused => NOT_RESERVED,
    }
}

const NOT_RESERVED: ApiError = ApiError::new(CONFLICT, "ticket_not_reserved", "Ticket is not reserved for this user");

pub(crate) fn refused(refusal: Refusal) -> ApiError {
    let not_found = |code, message| ApiError::new(StatusCode::NOT_FOUND, code, message);
    let conflict = |code, message| ApiError::new(CONFLICT, code, message);
    match refusal {
        Refusal::Unknown | Refusal::Sold | Refusal::Held => {
            conflict("ticket_not_available", "A ticket is not available")
        }
        Refusal::OtherEvent => conflict("ticket_of_another_event", "A ticket belongs to another event"),
        Refusal::Over => conflict("event_over", "The event is over"),
        Refusal::Cancelled => conflict("event_cancelled", "The event was cancelled"),
        Refusal::NotOnSale => conflict("not_on_sale", "The sale has not begun"),
        Refusal::SaleEnded => conflict("sale_ended", "The sale has ended"),
        Refusal::Limit => {
            conflict("ticket_limit_reached", "The user would have more tickets of this event than one may")
        }
        Refusal::Selling => conflict("hold_is_being_sold", "The hold is being sold"),
        Refusal::NotHeld => NOT_RESERVED,
        Refusal::NoHold => not_found("hold_not_found", "The user has no such hold"),
        Refusal::HoldLimit => conflict("hold_limit_reached", "The hold cannot be extended any further"),
        Refusal::PaymentMethod => {
            ApiError::new(PAYMENT_REQUIRED, "payment_method_refused", "The payment method cannot be used by this user")
        }
        Refusal::NoOrder => not_found("order_not_found", "The user has no such order"),
        Refusal::NotCancellable => conflict("order_not_cancellable", "The order can no longer be cancelled"),
        Refusal::NotRefundable => conflict("order_not_refundable", "The order cannot be refunded"),
        Refusal::KeyReused => {
            conflict("idempotency_key_reused", "The idempotency key came with another request before")
        }
    }
}

#[cfg(test)]
mod tests;
