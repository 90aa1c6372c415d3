//! Typed identifiers: two kinds of id cannot be mixed up, because each is a type of its own.
//!
//! The database keeps every public id as text in its canonical form (lower case, with hyphens), and Redis has the same text in
//! its keys and values. How an id is written there stands here, once; no other code turns an id into text for a store.

#![warn(missing_docs)]

mod id;
mod postgres;
mod redis;

pub use id::{EventId, HoldId, OrderId, PaymentMethodId, TicketId, UserId};
