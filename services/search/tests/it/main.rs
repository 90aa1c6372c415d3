//! Search against real PostgreSQL, Redis, Kafka, Kafka Connect and Elasticsearch.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod faults;
mod feed;
mod killed;
mod openapi;
mod prepare;
mod program;
mod queries;
mod support;
mod versions;
