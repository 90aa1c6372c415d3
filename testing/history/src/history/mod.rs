//! What was done and answered during a run, and what was there in the end: all that the checker knows.

mod lines;
mod operation;

use serde::{Deserialize, Serialize};

pub use lines::{read, write};
pub use operation::{Call, Operation, Outcome};

/// A recorded run. Times are microseconds of one clock, counted from the run's start.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The run's terms.
    pub run: Run,
    /// Every request and its answer.
    pub operations: Vec<Operation>,
    /// What went wrong on purpose.
    pub faults: Vec<Fault>,
    /// Orders in PostgreSQL, when everything had settled.
    pub orders: Vec<Order>,
    /// Tickets in PostgreSQL at the same moment.
    pub tickets: Vec<Ticket>,
    /// Payments at Stripe at the same moment.
    pub payments: Vec<Payment>,
}

/// The terms of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Run {
    /// What the history is about, for people.
    #[serde(default)]
    pub about: String,
    /// Of a fixture: the rules that it breaks.
    #[serde(default)]
    pub violates: Vec<String>,
    /// How long a hold lasts.
    pub hold_us: u64,
    /// How long a hold lasts at most, however often it is extended.
    pub lifetime_us: u64,
    /// What two clocks may differ by.
    pub tolerance_us: u64,
    /// A request without an answer reaches Redis within this after its client gave up, or never.
    pub late_effect_us: u64,
}

/// What was broken, and from when to when. A process that was killed is broken until it serves again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// Its kind.
    pub what: FaultKind,
    /// The part that it struck, such as `booking-1`.
    pub part: String,
    /// From when.
    pub start_us: u64,
    /// Until when.
    pub end_us: u64,
}

/// Kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// `kill -9`, and started again.
    Killed,
    /// `SIGSTOP`, and `SIGCONT` later.
    Stopped,
    /// All connections cut, and none accepted for a while.
    Cut,
    /// All of Redis' keys deleted.
    Flushed,
}

/// An order as PostgreSQL has it.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow)]
pub struct Order {
    /// Its uuid.
    pub order: String,
    /// The buyer.
    pub customer: String,
    /// `booked`, `refunded`, …
    pub state: String,
    /// Why, where there is something to say.
    #[serde(default)]
    pub reason: Option<String>,
    /// Who takes the money.
    pub provider: String,
    /// Minor units.
    pub amount: i64,
    /// Tickets that belong or belonged to it.
    pub tickets: Vec<String>,
}

/// A ticket as PostgreSQL has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ticket {
    /// Its uuid.
    pub ticket: String,
    /// `available` or `booked`.
    pub status: String,
}

/// A payment as Stripe has it, in minor units.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Payment {
    /// Its intent.
    pub intent: String,
    /// The order noted on it.
    pub order: Option<String>,
    /// Put aside and not taken.
    pub capturable: i64,
    /// Taken.
    pub captured: i64,
    /// Given back of what was taken.
    pub refunded: i64,
}

impl Payment {
    /// What the shop has of it.
    #[must_use]
    pub fn kept(&self) -> i64 {
        self.captured - self.refunded
    }
}
