//! Seats in Redis: who holds which, and which are being sold.
//!
//! Booking writes, event management reads. The keys:
//!
//! | key | type | holds |
//! |---|---|---|
//! | `ticket_lock:{ticket}` | string with expiry | the user who holds the ticket. This *is* the hold: while it lives, everybody else is kept out |
//! | `ticket_lock_user:{ticket}:{user}` | string with the same expiry | proof that this user holds it; its number counts the successful answers to reserve |
//! | `event_seats:{event}` | hash, a field per ticket | a mark per ticket that is held, being sold or booked, so that an event page costs one call whatever its size |
//! | `ticket_hold:{hold}` | string with expiry | which tickets were held together, by whom; a mark says whether its ticket still is |
//! | `user_seats:{event}:{user}` | sorted set of tickets, scored by the time until which each counts | what counts for a user's cap; kept only where there is one |
//! | `tickets_selling` | sorted set, scored by the time the sale began | the sales that have not ended; what a crash left behind is found here |
//!
//! Rules that all scripts keep:
//! - PostgreSQL is the truth about what is sold. Everything here may be lost at any moment (a flush, an eviction, somebody's
//!   `DEL`) and costs refusals or re-reads, never a second sale.
//! - A hold is `ticket_lock`; the mark of a hold is an index of it for readers and expires at the same millisecond. A
//!   `ticket_lock` that another program wrote keeps others out as well, and one that somebody deleted keeps nobody out.
//! - `selling` is a mark without expiry: no time limit ends a hold while its sale is being decided. The contract's keys are
//!   kept beside it.
//! - A script that ends a sale names the attempt and does nothing to another attempt's mark.
//! - Redis' clock decides every expiry.
//!
//! Redis 8 is needed (`HSETEX`). The contract's key names carry no hash tag, so the keys of one ticket lie in different slots:
//! Redis Cluster is not supported, a primary with replicas is.

#![warn(missing_docs)]

mod hold;
mod keys;
mod mark;
mod sale;
mod script;
mod whole_hold;

pub use hold::{Held, HeldTicket, Hold, HoldLimits, Occupied, clear_booked, hold, release, release_unanswered};
pub use mark::{held, held_tickets};
pub use sale::{
    BeginSale, Cancelled, NotSellable, Sale, begin_sale, cancel_sale, finish_sale, stale_sales, touch_sale,
};
pub use whole_hold::{OfHold, WholeHold, extend_hold, release_hold, show_hold};
