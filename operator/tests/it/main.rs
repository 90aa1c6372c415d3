//! The operator's clients against real stores, what it builds, and the files generated from its types.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's broken set-up or expectation ends it")]

mod backends;
mod generated;
mod objects;
