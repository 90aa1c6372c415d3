//! The kit on real sockets and a real PostgreSQL.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's broken set-up or expectation ends it")]

mod postgres;
mod server;
