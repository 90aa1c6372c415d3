//! Seats in Redis: who holds which seat, and which seats are being sold.
//!
//! Booking writes, event management reads. The keys:
//!
//! | key | type | content |
//! |---|---|---|
//! | `ticket_lock:{ticket}` | string with expiry | the user who holds the ticket: this *is* the hold |
//! | `ticket_lock_user:{ticket}:{user}` | string with the same expiry | the count of successful answers to reserve |
//! | `event_seats:{event}` | hash, a field per ticket | the mark of each ticket that is held, being sold or booked |
//! | `ticket_hold:{hold}` | string with expiry | the tickets that were held together, and their user |
//! | `user_seats:{event}:{user}` | sorted set of tickets | the tickets that count for a user's cap |
//! | `tickets_selling` | sorted set | the sales that have not ended |
//!
//! - While `ticket_lock` lives, all other users are kept out. `ticket_lock_user` proves that this user holds the ticket.
//! - With `event_seats` an event page costs one call, whatever the size of the event.
//! - The mark of a ticket says whether it is still in the hold that `ticket_hold` describes.
//! - `user_seats` is kept only where there is a cap. A ticket's score is the time until which it counts.
//! - The score in `tickets_selling` is the time when the sale began. The sweeper finds there what a crash left behind.
//!
//! All scripts keep these rules:
//! - PostgreSQL is the truth about what is sold. Everything here may be lost at any moment (a flush, an eviction, a
//!   `DEL` by hand). A loss costs refusals or extra reads, never a second sale.
//! - A hold is `ticket_lock`. The mark of a hold is an index of it for readers and expires at the same millisecond. A
//!   `ticket_lock` that another program wrote also keeps others out, and one that was deleted keeps nobody out.
//! - `selling` is a mark without expiry: no time limit ends a hold while its sale is being decided. The contract's keys
//!   are kept beside it.
//! - A script that ends a sale names the attempt and leaves the mark of another attempt alone.
//! - Redis' clock decides every expiry.
//!
//! Redis 8 is needed (`HSETEX`). The contract's key names carry no hash tag, so the keys of one ticket lie in different
//! slots. Redis Cluster is not supported; a primary with replicas is.

#![warn(missing_docs)]

mod hold;
mod hold_view;
mod keys;
mod mark;
mod sale;
mod script;

pub use hold::{
    HoldLimits, HoldOutcome, Occupied, PlacedHold, PlacedTicket, clear_booked, hold, release, release_unanswered,
};
pub use hold_view::{HoldLookup, HoldView, extend_hold, release_hold, show_hold};
pub use mark::held_tickets;
pub use sale::{
    BeginSale, Cancelled, NotSellable, SaleAttempt, begin_sale, cancel_sale, finish_sale, stale_sales, touch_sale,
};
