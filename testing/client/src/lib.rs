//! A customer of the platform. It relies only on what `docs/contract.md` promises.

mod customer;
mod purchase;

pub use customer::{Customer, Event, EventPage, PageTicket, SearchPage, Shop, is_success};
pub use purchase::{Purchase, buy};
