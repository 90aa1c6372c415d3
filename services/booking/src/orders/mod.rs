//! Orders in PostgreSQL: who buys what, at what price, and how far it has come.
//!
//! An order's uuid is the name of the attempt to sell. Its row is a fence, so that no clock decides: a sale without a payment
//! is decided by whoever inserts the row first ([`sale`]), one with a payment by whoever takes it out of `paying`
//! ([`payment`]).

pub mod decision;
pub mod idempotency;
pub mod payment;
pub mod read;
pub mod refund;
pub mod sale;
pub mod steps;

use ids::{OrderId, TicketId, UserId};
use kit::postgres::Pool;

/// How far an order has come. `booked`, `cancelled` and `refunded` are ends; `stuck` waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    /// Written down; the payment has not begun.
    Pending,
    /// The payment is under way.
    Paying,
    /// The tickets are the buyer's, and paid.
    Booked,
    /// Nothing was sold and nothing is kept of the money.
    Cancelled,
    /// It could not be brought to an end.
    Stuck,
    /// It was booked, and given back.
    Refunded,
}

impl OrderState {
    const ALL: [Self; 6] = [Self::Pending, Self::Paying, Self::Booked, Self::Cancelled, Self::Stuck, Self::Refunded];

    /// The state as `orders.state` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paying => "paying",
            Self::Booked => "booked",
            Self::Cancelled => "cancelled",
            Self::Stuck => "stuck",
            Self::Refunded => "refunded",
        }
    }

    /// # Errors
    /// When the word is none of them.
    pub fn parse(word: &str) -> sqlx::Result<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown state of an order: {word}").into()))
    }
}

/// Why an order is in its state, as `orders.reason` has it. Clients may rely on these words.
pub mod reason {
    /// The card was declined.
    pub const DECLINED: &str = "declined";
    /// A ticket could not be had any more.
    pub const NOT_AVAILABLE: &str = "not_available";
    /// Given up by the worker before it came to a sale.
    pub const ABANDONED: &str = "abandoned";
    /// The customer did not act in time.
    pub const EXPIRED: &str = "payment_expired";
    /// The customer asked for it.
    pub const REQUESTED: &str = "requested";
    /// The provider refused the payment for a reason that is not the customer's.
    pub const PAYMENT_FAILED: &str = "payment_failed";
    /// The money that was set aside could not be taken.
    pub const CAPTURE_FAILED: &str = "capture_failed";
    /// The payment was ended at the provider.
    pub const PAYMENT_CANCELED: &str = "payment_canceled";
}

/// How the provider's name stands in orders.
pub const FREE: &str = "free";
/// The same for Stripe.
pub const STRIPE: &str = "stripe";

/// The order under which the tickets are this user's, who asks again after an answer that did not reach them.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn order_that_sold(postgres: &Pool, tickets: &[TicketId], user: UserId) -> sqlx::Result<Option<OrderId>> {
    sqlx::query_scalar(
        "SELECT orders.uuid
         FROM order_tickets
         JOIN orders ON orders.id = order_tickets.order_id
         JOIN tickets ON tickets.id = order_tickets.ticket_id
         WHERE order_tickets.ticket_uuid = ANY ($1) AND tickets.status = 'booked'
           AND orders.user_uuid = $2 AND orders.state = 'booked'
         GROUP BY orders.uuid HAVING count(*) = cardinality($1)",
    )
    .bind(tickets)
    .bind(user)
    .fetch_optional(postgres)
    .await
}
