//! The checker against its fixtures, and a short run of everything.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's broken set-up or expectation ends it")]

mod checker;
mod short_run;
