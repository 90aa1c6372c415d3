//! The checker: a pure function that names the rules which a history breaks. No rule is broken when a correct platform
//! can have produced the history.
//!
//! The README beside this crate says what each rule means and how it is proved.

mod holds;
mod money;
mod pages;
mod sales;
mod stored;
mod story;

use std::{collections::BTreeSet, fmt};

use crate::history::{Call, History};

use self::story::Stories;

/// A rule that a correct platform never breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A ticket belongs to one customer at a time.
    SoldTwice,
    /// A sale that a customer was told of is in PostgreSQL, unless the customer asked for a refund.
    SaleLost,
    /// A buyer reserved the ticket before.
    SoldWithoutHold,
    /// A buyer asks for the sale before the hold ends.
    HoldOutlived,
    /// No extension makes a hold last longer than its lifetime.
    LifetimeExceeded,
    /// A buyer held the ticket without a break until the sale.
    HoldBroken,
    /// A sale comes from a request that was not refused.
    SoldThoughRefused,
    /// A sold ticket cannot be reserved.
    SoldSeatReserved,
    /// Two customers do not hold a ticket at once.
    HeldTwice,
    /// A customer who holds a ticket and buys it in time gets it.
    HoldNotHonoured,
    /// A page does not show a sold seat as available.
    SoldSeatShownAvailable,
    /// In PostgreSQL a ticket is `booked` if and only if one booked order has it.
    TicketAndOrderDiffer,
    /// A cancelled order does not become a sale.
    SoldThoughCancelled,
    /// Money is kept for booked orders only.
    CaptureWithoutTickets,
    /// The money kept for a booked order is exactly its amount.
    WrongAmount,
    /// The money of a refunded order went back to the customer.
    RefundMissing,
    /// No authorization stays open for an order that is not booked.
    AuthorizationLeftOpen,
    /// Every order reaches an end state.
    NotSettled,
    /// No request is answered with 500.
    InternalError,
}

impl Rule {
    pub const ALL: [Self; 19] = [
        Self::SoldTwice,
        Self::SaleLost,
        Self::SoldWithoutHold,
        Self::HoldOutlived,
        Self::LifetimeExceeded,
        Self::HoldBroken,
        Self::SoldThoughRefused,
        Self::SoldSeatReserved,
        Self::HeldTwice,
        Self::HoldNotHonoured,
        Self::SoldSeatShownAvailable,
        Self::TicketAndOrderDiffer,
        Self::SoldThoughCancelled,
        Self::CaptureWithoutTickets,
        Self::WrongAmount,
        Self::RefundMissing,
        Self::AuthorizationLeftOpen,
        Self::NotSettled,
        Self::InternalError,
    ];

    /// The rule's name in fixtures and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SoldTwice => "sold_twice",
            Self::SaleLost => "sale_lost",
            Self::SoldWithoutHold => "sold_without_hold",
            Self::HoldOutlived => "hold_outlived",
            Self::LifetimeExceeded => "lifetime_exceeded",
            Self::HoldBroken => "hold_broken",
            Self::SoldThoughRefused => "sold_though_refused",
            Self::SoldSeatReserved => "sold_seat_reserved",
            Self::HeldTwice => "held_twice",
            Self::HoldNotHonoured => "hold_not_honoured",
            Self::SoldSeatShownAvailable => "sold_seat_shown_available",
            Self::TicketAndOrderDiffer => "ticket_and_order_differ",
            Self::SoldThoughCancelled => "sold_though_cancelled",
            Self::CaptureWithoutTickets => "capture_without_tickets",
            Self::WrongAmount => "wrong_amount",
            Self::RefundMissing => "refund_missing",
            Self::AuthorizationLeftOpen => "authorization_left_open",
            Self::NotSettled => "not_settled",
            Self::InternalError => "internal_error",
        }
    }
}

/// A rule that a history breaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The broken rule.
    pub rule: Rule,
    /// The ticket, order or payment that breaks it.
    pub about: String,
    /// The requests and states that show it.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.rule.name(), self.about, self.seen)
    }
}

/// Returns every violation of a history. An empty set says that a correct platform can have produced the history.
#[must_use]
pub fn check(history: &History) -> BTreeSet<Violation> {
    let stories = Stories::of(history);
    let mut found = Found::default();
    for story in stories.iter() {
        sales::check(&stories, story, &mut found);
        holds::check(&stories, story, &mut found);
        stored::check(story, &mut found);
    }
    pages::check(&stories, &mut found);
    money::check(history, &mut found);
    for operation in history.operations.iter().filter(|operation| operation.status == Some(500)) {
        let what = if operation.call == Call::Page { "a page" } else { "a request" };
        found.add(Rule::InternalError, &operation.at, format!("{what} was answered 500: {operation:?}"));
    }
    found.0
}

/// Counts the holds that expired and were followed by another customer's hold of the same ticket.
#[must_use]
pub fn holds_taken_over(history: &History) -> usize {
    let stories = Stories::of(history);
    stories.iter().map(|story| holds::taken_over(&stories, story)).sum()
}

/// The violations found so far.
#[derive(Default)]
struct Found(BTreeSet<Violation>);

impl Found {
    fn add(&mut self, rule: Rule, about: impl Into<String>, seen: impl Into<String>) {
        self.0.insert(Violation { rule, about: about.into(), seen: seen.into() });
    }
}
