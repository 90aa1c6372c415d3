//! Proves by what was asked and answered, and by what was there in the end, that the platform keeps its promises while its
//! parts are killed, stopped, cut off and made to forget. See the README beside this crate.

#![expect(clippy::expect_used, reason = "test support: a broken set-up ends the test")]

mod checker;
pub mod history;
pub mod run;

pub use checker::{Rule, Violation, check, holds_taken_over};
