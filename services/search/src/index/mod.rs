//! The Elasticsearch index of events: its definition, its state, and what is read from it and written to it.

mod bulk;
mod client;
mod definition;
mod document;
mod health;
mod lifecycle;
mod origin;
mod reading;

pub use bulk::Write;
pub(crate) use bulk::{BulkOutcome, Version};
pub use client::Index;
pub(crate) use client::{ElasticsearchSettings, IndexError};
pub(crate) use definition::Definition;
pub(crate) use document::EventDocument;
pub(crate) use health::{IndexHealth, watch};
pub(crate) use lifecycle::IndexState;
pub(crate) use origin::Origin;
