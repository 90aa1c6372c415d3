//! Tests that the platform keeps its promises while its parts are killed and stopped, its stores are cut off, and Redis loses
//! its data. The proof uses every request with its answer, and the final state of the stores. See the README beside
//! this crate.

#![expect(clippy::expect_used, reason = "test support: a broken set-up ends the test")]

mod checker;
pub mod history;
pub mod run;

pub use checker::{Rule, Violation, check, holds_taken_over};
