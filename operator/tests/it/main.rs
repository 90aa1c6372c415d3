//! The operator's clients against real stores, what it builds, and the files generated from its types.

#![expect(clippy::unwrap_used, reason = "a test's broken set-up or expectation ends it")]

mod connect;
mod database;
mod elasticsearch;
mod generated;
mod objects;
mod postgres;

/// A name that no other test uses, and no other run.
fn unique(what: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("operator_{what}_{}_{}", std::process::id(), now.subsec_nanos())
}
