//! The HTTP server: what every service answers, and the limits that keep slow and oversized requests out.

mod app;
mod limits;
mod serve;
mod trace;

pub use app::app;
pub(crate) use limits::{REQUEST_TIMEOUT, timed_out};
pub use serve::serve;
