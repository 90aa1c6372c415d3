//! A request and its answer.

use serde::{Deserialize, Serialize};

/// The kind of a request.
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

/// What an answer says about the effect of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The request was done. For [`Call::Look`]: the order is booked.
    Ok,
    /// The request was not done, for a reason that the shop gave.
    Refused,
    /// The request was not done because the card was declined.
    Declined,
    /// The request is under way: the customer must act, or the bank has not answered.
    Pending,
    /// There was no answer, or one that leaves the effect open. The request may have been done, or may be done later.
    Unknown,
}

/// A request and its answer. Its effect, if it had one, lies between start and end, or later when the outcome is
/// unknown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Operation {
    /// The user who asked.
    pub customer: String,
    pub call: Call,
    /// The tickets that the request names. For [`Call::Page`]: the tickets that the page shows as available.
    pub tickets: Vec<String>,
    /// The order that the request or its answer names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// The replica that was asked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// A moment before the request was sent.
    pub start_us: u64,
    /// A moment after the answer was read, or when the client gave up.
    pub end_us: u64,
    pub outcome: Outcome,
    /// The answer's HTTP status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Operation {
    /// Whether the request asks for a hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self.call, Call::Reserve | Call::Hold)
    }

    /// Whether the request asks for a sale.
    #[must_use]
    pub fn sells(&self) -> bool {
        matches!(self.call, Call::Confirm | Call::Order)
    }

    /// Whether the answer says that the customer owns the tickets.
    #[must_use]
    pub fn proves_a_sale(&self) -> bool {
        self.outcome == Outcome::Ok && (self.sells() || self.call == Call::Look)
    }

    /// Whether the request was done, or may have been done.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        matches!(self.outcome, Outcome::Ok | Outcome::Pending | Outcome::Unknown)
    }
}
