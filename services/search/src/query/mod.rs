//! What users ask, and the answers that are kept for a while.

mod cache;
mod question;

pub(crate) use cache::Cache;
pub(crate) use question::{Question, Refusal};
