//! Typed ids: each kind of id is a type of its own, so two kinds cannot be mixed up.
//!
//! PostgreSQL keeps every public id as text in its canonical form (lower case, with hyphens), and Redis has the same
//! text in its keys and values. Only this crate turns an id into text for a store.

#![warn(missing_docs)]

mod id;
mod postgres;
mod redis;

pub use id::{EventId, HoldId, OrderId, PaymentMethodId, TicketId, UserId};
