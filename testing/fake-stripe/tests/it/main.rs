//! The fake over HTTP, as booking sees it.

#![expect(clippy::expect_used, reason = "tests")]

mod client;
mod faults;
mod keys;
mod payments;
mod shape;
mod webhooks;
