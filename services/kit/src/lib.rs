//! What all three services need and no business: settings, errors, the HTTP server with its limits, health, metrics,
//! logging, shutdown, and the connections to PostgreSQL and Redis.

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

/// A request is many small allocations on one thread and frees on another, which glibc's allocator is slow
/// at; and what a crowd has used is to be given back.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
