//! The seat scripts against a real Redis.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

mod loss;
mod model;
mod property;
mod redis_server;
mod rules;
