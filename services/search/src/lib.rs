//! Search: finds upcoming events in an Elasticsearch index, and keeps that index equal to PostgreSQL by following the
//! change feed.
//!
//! Requests go `http` → `query` → `index`. Changes go `feed` (Kafka) → `indexing` (read rows, write documents) →
//! `index` (Elasticsearch).

mod feed;
mod http;
mod index;
mod indexing;
mod prepare_index;
mod query;
mod report;
mod serve;
mod settings;

pub use index::{Index, Write};
pub use indexing::{Reading, Rows};
pub use prepare_index::prepare_index;
pub use report::report;
pub use serve::{RunError, run};
pub use settings::{PrepareSettings, ServeSettings};

/// The OpenAPI document that the program serves.
pub fn openapi() -> utoipa::openapi::OpenApi {
    http::routes().get_openapi().clone()
}
