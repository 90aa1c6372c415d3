//! The life of an order and its payment, in one table: every start and every transition that is allowed. [`next()`]
//! decides which one a driver takes.
//!
//! Each transition is one statement that names the states it starts from. So a request, a webhook and the worker may
//! drive the same order at the same time: a transition takes effect for one of them.

mod next;
#[cfg(test)]
mod tests;

use self::OrderAfter::{Becomes, KeepsReason, Same};
pub(crate) use self::next::{Action, Answer, Ask, Learnt, PaymentStatus, Progress, next};
use super::model::{
    OrderState::{self, Cancelled, Paying, Stuck},
    PaymentState::{self, Authorized, Authorizing, Canceling, Captured, Capturing, Refunding, RequiresAction},
    Reason,
};

/// How an order begins: the states in its first row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    pub name: &'static str,
    /// The state of the payment; `None` for an order without one.
    pub payment: Option<PaymentState>,
    pub order: OrderState,
}

/// A step of the payment and what it does to the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    pub name: &'static str,
    /// The states of the payment that it starts from.
    pub from: &'static [PaymentState],
    /// The state that the payment comes into.
    pub to: PaymentState,
    pub order: OrderAfter,
}

/// What a transition does to the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderAfter {
    /// The order keeps its state and its reason.
    Same,
    /// The order comes into this state, for this reason.
    Becomes(OrderState, Option<Reason>),
    /// The order comes into this state and keeps its reason.
    KeepsReason(OrderState),
}

macro_rules! starts {
    ($($(#[$doc:meta])* $name:ident: $payment:expr, $order:ident;)+) => {
        $($(#[$doc])* pub(crate) const $name: Start =
            Start { name: stringify!($name), payment: $payment, order: OrderState::$order };)+

        /// Every start.
        pub const STARTS: &[Start] = &[$($name),+];
    };
}

macro_rules! transitions {
    ($($(#[$doc:meta])* $name:ident: $from:expr => $to:ident, $order:expr;)+) => {
        $($(#[$doc])* pub(crate) const $name: Transition =
            Transition { name: stringify!($name), from: $from, to: PaymentState::$to, order: $order };)+

        /// Every transition.
        pub const ALL: &[Transition] = &[$($name),+];
    };
}

starts! {
    /// A free order is written with the tickets that it books.
    SELL_FREE: None, Booked;
    /// An order with a payment is written before the provider is asked, so that a crash leaves no payment without an
    /// order.
    PLACE: Some(Authorizing), Pending;
    /// The tickets of an order with a payment cost nothing, so the provider is not asked.
    PLACE_FREE: Some(Authorized), Pending;
    /// A sale attempt is cancelled before its order was written. The row keeps the order from being written later.
    FENCE: None, Cancelled;
}

/// The money is not set aside yet.
const WAITING: &[PaymentState] = &[Authorizing, RequiresAction];
/// A payment that has not come to an end.
const OPEN: &[PaymentState] = &[Authorizing, RequiresAction, Authorized, Capturing, Canceling, Refunding];

transitions! {
    /// The customer must confirm the payment, or its outcome comes later.
    AWAIT_CUSTOMER: WAITING => RequiresAction, Becomes(Paying, None);
    /// The money is set aside.
    AUTHORIZE: WAITING => Authorized, Becomes(Paying, None);
    /// The card was declined, and the provider has a payment that must be ended: otherwise the customer's browser could
    /// still go on with it.
    DECLINE: WAITING => Canceling, Becomes(Cancelled, Some(Reason::Declined));
    /// The card was declined, and the provider has no payment.
    DECLINE_WITHOUT_PAYMENT: WAITING => Declined, Becomes(Cancelled, Some(Reason::Declined));
    /// The provider refused the payment, and has one that must be ended.
    REJECT: WAITING => Canceling, Becomes(Cancelled, Some(Reason::PaymentFailed));
    /// The provider refused the payment, and has none.
    REJECT_WITHOUT_PAYMENT: WAITING => Declined, Becomes(Cancelled, Some(Reason::PaymentFailed));
    /// The customer did not act in time.
    EXPIRE: WAITING => Canceling, Becomes(Cancelled, Some(Reason::Expired));
    /// The payment was ended at the provider.
    LOSE_PAYMENT: WAITING => Canceled, Becomes(Cancelled, Some(Reason::PaymentCanceled));
    /// The money was taken by hand at the provider before the tickets were booked. It goes back.
    RETURN: WAITING => Refunding, Becomes(Cancelled, Some(Reason::PaymentCanceled));
    /// The customer cancels the order before its tickets are booked.
    CANCEL: &[Authorizing, RequiresAction, Authorized] => Canceling, Becomes(Cancelled, Some(Reason::Requested));
    /// All tickets are booked, in the same statement.
    BOOK: &[Authorized] => Capturing, Same;
    /// A ticket is no longer available.
    LOSE_TICKETS: &[Authorized] => Canceling, Becomes(Cancelled, Some(Reason::NotAvailable));
    /// The money is taken.
    CAPTURE: &[Capturing] => Captured, Becomes(OrderState::Booked, None);
    /// The money cannot be taken. The tickets are available again, in the same statement.
    UNBOOK: &[Capturing] => Canceling, Becomes(Cancelled, Some(Reason::CaptureFailed));
    /// The provider names the payment of a cancelled order, which must be ended.
    FIND_PAYMENT: &[Canceling] => Canceling, Same;
    /// No money is set aside any more.
    VOID: &[Canceling] => Canceled, Same;
    /// The money of a cancelled order was taken all the same. It goes back.
    RETURN_CAPTURED: &[Canceling] => Refunding, Same;
    /// The customer gives a booked order back. The tickets are available again, in the same statement.
    REFUND: &[Captured] => Refunding, Becomes(OrderState::Refunded, Some(Reason::Requested));
    /// The customer gives a booked order back that cost nothing. An order without a payment changes in the same way.
    REFUND_FREE: &[Captured] => Refunded, Becomes(OrderState::Refunded, Some(Reason::Requested));
    /// The money was given back.
    FINISH_REFUND: &[Refunding] => Refunded, Same;
    /// The worker has looked at the order too often, or the provider's payment is not known: a person must look. Starts
    /// only from the state that was seen.
    HAND_OVER: OPEN => Failed, KeepsReason(Stuck);
}

/// What an order means for the marks of its seats in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeatsAfter {
    /// Nothing is decided: the sale goes on.
    Undecided,
    /// The seats are booked.
    Booked,
    /// What is left of the hold comes back.
    HoldRestored,
    /// The hold ends too: a ticket is not available, so the rest is of no use.
    HoldReleased,
    /// The seats are available again.
    Available,
}

impl SeatsAfter {
    pub(crate) fn of(state: OrderState, reason: Option<Reason>) -> Self {
        match (state, reason) {
            (OrderState::Booked, _) => Self::Booked,
            (OrderState::Refunded, _) => Self::Available,
            (OrderState::Cancelled, Some(Reason::NotAvailable)) => Self::HoldReleased,
            (OrderState::Cancelled, _) => Self::HoldRestored,
            (OrderState::Pending | OrderState::Paying | OrderState::Stuck, _) => Self::Undecided,
        }
    }
}
