//! The seat scripts against a real Redis.

mod loss;
mod model;
mod property;
mod redis_server;
mod rules;
