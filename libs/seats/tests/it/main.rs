//! The seat scripts against a real Redis.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

mod key_names;
mod loss;
mod model;
mod property;
mod redis_server;
mod rules;
