//! Whether a history can be what a correct platform did: a pure function that names the rules that it breaks.
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

/// What a correct platform keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A ticket belongs to one customer at a time.
    SoldTwice,
    /// What was answered as sold is sold to that customer in PostgreSQL, unless he gave it back.
    SaleLost,
    /// Who buys has reserved.
    SoldWithoutHold,
    /// Who buys does so before his hold ends.
    HoldOutlived,
    /// No extension reaches beyond a hold's lifetime.
    LifetimeExceeded,
    /// Who buys held the ticket without a break until then.
    HoldBroken,
    /// An order comes from a request that was not refused.
    SoldThoughRefused,
    /// A sold ticket cannot be reserved.
    SoldSeatReserved,
    /// Two customers do not hold a ticket at once.
    HeldTwice,
    /// Who holds a ticket and buys in time gets it.
    HoldNotHonoured,
    /// A page does not show a sold seat as available.
    SoldSeatShownAvailable,
    /// In PostgreSQL a ticket is booked exactly if one booked order has it.
    TicketAndOrderDiffer,
    /// An order that was cancelled does not become a sale.
    SoldThoughCancelled,
    /// Money is kept for booked orders only.
    CaptureWithoutTickets,
    /// A booked order was paid, exactly.
    WrongAmount,
    /// A refunded order's money went back.
    RefundMissing,
    /// Money is not left put aside for an order that is not booked.
    AuthorizationLeftOpen,
    /// Every order comes to an end.
    NotSettled,
    /// No request is answered with 500.
    InternalError,
}

impl Rule {
    /// All of them.
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
    /// The rule.
    pub rule: Rule,
    /// The ticket, order or payment.
    pub about: String,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.rule.name(), self.about, self.seen)
    }
}

/// Everything that is wrong with a history. Empty: it can be what a correct platform did.
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

/// How many holds ended by themselves and were followed by somebody else's.
#[must_use]
pub fn holds_taken_over(history: &History) -> usize {
    let stories = Stories::of(history);
    stories.iter().map(|story| holds::taken_over(&stories, story)).sum()
}

/// What was found so far.
#[derive(Default)]
struct Found(BTreeSet<Violation>);

impl Found {
    fn add(&mut self, rule: Rule, about: impl Into<String>, seen: impl Into<String>) {
        self.0.insert(Violation { rule, about: about.into(), seen: seen.into() });
    }
}
