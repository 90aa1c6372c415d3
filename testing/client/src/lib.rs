//! A customer of the platform: nothing here knows more than `contract.md` promises.

mod customer;
mod purchase;

pub use customer::{Customer, Event, EventPage, PageTicket, SearchPage, Shop, is_success};
pub use purchase::{Purchase, buy};
