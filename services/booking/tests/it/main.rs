//! The booking service against real stores, over HTTP.

#![expect(clippy::expect_used, reason = "tests")]

mod contract;
mod crash;
mod customer;
mod faults;
mod holds;
mod lifecycle;
mod on_sale;
mod openapi;
mod orders;
mod paid_shop;
mod race;
mod service;
mod stripe;
mod together;
mod traps;
mod webhooks;
