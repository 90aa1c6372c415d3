//! A recorded run: requests with their answers, faults, and the final state of the stores. The checker knows nothing
//! else.

mod lines;
mod operation;

use serde::{Deserialize, Serialize};

pub use lines::{read, write};
pub use operation::{Call, Operation, Outcome};

/// A recorded run. Times are microseconds since the run's start, all from one clock.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The parameters that the checker needs.
    pub run: Run,
    /// Every request and its answer.
    pub operations: Vec<Operation>,
    /// Every fault that was injected.
    pub faults: Vec<Fault>,
    /// Orders in PostgreSQL after everything had settled.
    pub orders: Vec<Order>,
    /// Tickets in PostgreSQL at that moment.
    pub tickets: Vec<Ticket>,
    /// Payments at Stripe at that moment.
    pub payments: Vec<Payment>,
}

/// Parameters of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Run {
    /// A sentence for people that says what happens in the history.
    #[serde(default)]
    pub about: String,
    /// The rules that a fixture breaks. Empty in a recorded history.
    #[serde(default)]
    pub violates: Vec<String>,
    /// The length of a hold.
    pub hold_us: u64,
    /// The longest time that a hold lasts, however often it is extended.
    pub lifetime_us: u64,
    /// Two clocks may differ by this much.
    pub tolerance_us: u64,
    /// A request without an answer reaches Redis within this time after its client gave up, or never.
    pub late_effect_us: u64,
}

/// A fault that was injected. A killed process counts as faulty until it serves again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    pub what: FaultKind,
    /// The part that was hit, such as `booking-1`.
    pub part: String,
    pub start_us: u64,
    pub end_us: u64,
}

/// The ways in which a part is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The part was ended with `kill -9` and started again.
    Killed,
    /// The part was paused with `SIGSTOP` and resumed with `SIGCONT`.
    Stopped,
    /// All connections to the part were cut, and no new ones were accepted for a while.
    Cut,
    /// All keys of Redis were deleted.
    Flushed,
}

/// An order as PostgreSQL has it.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow)]
pub struct Order {
    /// The uuid of the order.
    pub order: String,
    /// The user who placed the order.
    pub customer: String,
    /// The state as PostgreSQL names it, such as `booked` or `refunded`.
    pub state: String,
    /// The reason for the state, where there is one.
    #[serde(default)]
    pub reason: Option<String>,
    /// The payment provider.
    pub provider: String,
    /// The price of all tickets in minor units.
    pub amount: i64,
    /// Tickets that belong to the order, or belonged to it before a refund.
    pub tickets: Vec<String>,
}

/// A ticket as PostgreSQL has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ticket {
    /// The uuid of the ticket.
    pub ticket: String,
    /// `available` or `booked`.
    pub status: String,
}

/// A payment as Stripe has it, in minor units.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Payment {
    /// The id of the payment intent.
    pub intent: String,
    /// The order in the intent's metadata.
    pub order: Option<String>,
    /// Amount that is authorized and not captured.
    pub capturable: i64,
    /// Amount that was captured.
    pub captured: i64,
    /// Amount of the captured money that was refunded.
    pub refunded: i64,
}

impl Payment {
    /// The amount that the shop keeps.
    #[must_use]
    pub fn kept(&self) -> i64 {
        self.captured - self.refunded
    }
}
