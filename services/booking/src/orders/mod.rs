//! Orders in PostgreSQL: who buys what, at what price, and how far it has come. This room is SQL and the rules of an
//! order's life; it knows no other room.
//!
//! An order's id names the sale attempt. Its row is a fence, so that no clock decides: an order without a payment is
//! decided by whoever inserts the row first, an order with one by whoever takes its payment out of a state
//! ([`lifecycle`]).

mod decision;
pub(crate) mod idempotency;
pub(crate) mod lifecycle;
mod model;
mod payment;
mod payment_events;
mod read;
mod refund;
pub(crate) mod sell;
mod steps;

use kit::postgres::Pool;

pub use self::model::{Decision, OrderState, PaymentState, Purchase, Reason};
pub(crate) use self::{
    model::Provider,
    payment::OrderPayment,
    payment_events::{PaymentEvent, Report},
    read::Order,
};

/// The orders in the database. Clones share the pool.
#[derive(Clone)]
pub struct Orders {
    postgres: Pool,
}

impl Orders {
    /// The orders behind this pool.
    #[must_use]
    pub fn new(postgres: Pool) -> Self {
        Self { postgres }
    }
}
