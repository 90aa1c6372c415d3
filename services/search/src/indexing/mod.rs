//! Keeping the index equal to the database: records say which rows changed, the rows are read again and written.

mod batch;
mod error;
mod indexer;
mod metrics;
mod rows;
mod sweep;
mod versions;
mod writer;

pub(crate) use error::IndexingError;
pub(crate) use indexer::Indexer;
pub(crate) use metrics::IndexingMetrics;
pub use rows::{Reading, Rows};
pub(crate) use sweep::sweep;
pub(crate) use writer::Writer;
