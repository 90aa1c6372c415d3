//! The HTTP server: its routes and limits, and what services read from requests.

pub mod answers;
mod app;
mod json;
mod limits;
mod page;
mod path;
mod serve;
mod trace;

pub use app::app;
pub use json::Json;
pub use page::{Page, PageTooDeep};
pub use path::{PathId, parse_id};
pub use serve::serve;
