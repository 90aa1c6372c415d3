//! The HTTP server: what every service answers, and the limits that keep slow and oversized requests out.

pub mod answers;
mod app;
mod limits;
mod page;
mod path;
mod serve;
mod trace;

pub use app::app;
pub(crate) use limits::{REQUEST_TIMEOUT, timed_out};
pub use page::{Page, PageTooDeep};
pub use path::{PathId, parse_id};
pub use serve::serve;
