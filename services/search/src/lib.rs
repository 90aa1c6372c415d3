//! Search: finds upcoming events in an Elasticsearch index, and keeps that index equal to the database by following
//! the change feed.

pub mod cache;
pub mod documents;
pub mod faults;
pub mod feed;
pub mod health;
pub mod http;
pub mod index;
pub mod prepare;
pub mod query;
pub mod report;
pub mod rows;
mod serve;
pub mod settings;
pub mod sweep;
pub mod versions;
pub mod writer;

pub use serve::{StartError, run};
