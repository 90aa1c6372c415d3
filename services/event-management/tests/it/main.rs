//! The service against a real PostgreSQL and Redis.

#![expect(clippy::unwrap_used, reason = "tests")]

mod cache;
mod changes;
mod conditional;
mod encoding;
mod openapi;
mod outages;
mod page;
mod seat_states;
mod service;
mod streams;
