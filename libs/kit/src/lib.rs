//! What all services need and what knows nothing of tickets: settings, errors, the HTTP server with its limits, health,
//! metrics, logging, shutdown, batching, and the connections to PostgreSQL and Redis.

#![warn(missing_docs)]

pub mod batching;
pub mod error;
pub mod health;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod openapi;
pub mod postgres;
pub mod redis;
pub mod settings;
pub mod shutdown;
