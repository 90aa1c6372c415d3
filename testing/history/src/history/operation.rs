//! A request and its answer.

use serde::{Deserialize, Serialize};

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST /tickets/reserve`
    Reserve,
    /// `POST /holds`
    Hold,
    /// `POST /holds/{uuid}/extend`
    Extend,
    /// `DELETE /holds/{uuid}`
    Release,
    /// `POST /tickets/confirm`
    Confirm,
    /// `POST /orders`
    Order,
    /// `GET /orders/{uuid}`
    Look,
    /// `POST /orders/{uuid}/cancel`
    Cancel,
    /// `POST /orders/{uuid}/refund`
    Refund,
    /// `GET /events/{uuid}`
    Page,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done. Of a look: the order is booked.
    Ok,
    /// Not done, for a reason that the shop gave.
    Refused,
    /// Not done: the card was declined.
    Declined,
    /// Under way: the customer must act, or the bank has not answered.
    Pending,
    /// No answer, or one that leaves it open: it may have been done, or be done later.
    Unknown,
}

/// A request and its answer. The effect, if there was one, lies between start and end, or later when the outcome is unknown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Operation {
    /// Who asked.
    pub customer: String,
    /// What was asked.
    pub call: Call,
    /// The tickets it is about; of a page those that it shows as available.
    pub tickets: Vec<String>,
    /// The order it is about, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// The replica that was asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Before the request was sent.
    pub start_us: u64,
    /// After the answer was read, or when the client gave up.
    pub end_us: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// The answer's status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Operation {
    /// Whether it asks to keep tickets for the customer.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self.call, Call::Reserve | Call::Hold)
    }

    /// Whether it asks to sell.
    #[must_use]
    pub fn sells(&self) -> bool {
        matches!(self.call, Call::Confirm | Call::Order)
    }

    /// Whether its answer says that the tickets are the customer's.
    #[must_use]
    pub fn proves_a_sale(&self) -> bool {
        self.outcome == Outcome::Ok && (self.sells() || self.call == Call::Look)
    }

    /// Whether it was done, or may have been.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        matches!(self.outcome, Outcome::Ok | Outcome::Pending | Outcome::Unknown)
    }
}
