//! What a driver of an order does next. Pure: the answers of stores and of the provider come in as values.

use std::time::Duration;

use super::{
    AUTHORIZE, AWAIT_CUSTOMER, CAPTURE, DECLINE, DECLINE_WITHOUT_PAYMENT, EXPIRE, FIND_PAYMENT, FINISH_REFUND,
    HAND_OVER, LOSE_PAYMENT, LOSE_TICKETS, PaymentState, REJECT, REJECT_WITHOUT_PAYMENT, RETURN, RETURN_CAPTURED,
    Transition, VOID,
};

/// How often the worker looks at an order, over some five hours, before it calls for a person.
pub(crate) const MOST_LOOKS: i32 = 35;

/// What is known of an order with a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) payment: PaymentState,
    /// Whether the provider's name of the payment is known.
    pub(crate) is_named: bool,
    /// Whether the order costs nothing.
    pub(crate) is_free: bool,
    /// The time since the order was placed.
    pub(crate) age: Duration,
    /// How often the worker has looked at it in vain.
    pub(crate) looks: i32,
}

/// A question to the payment provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Set the money aside. Repeated for the same order, it finds the same payment.
    Authorize,
    /// Look at the payment.
    LookUp,
    /// Take the money that is set aside.
    Capture,
    /// Let go of the money that is set aside.
    Void,
    /// Give the money back.
    Refund,
}

/// The provider's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The payment has this status.
    Payment(PaymentStatus),
    /// The money is given back.
    GivenBack,
    /// The card was declined.
    Declined { is_named: bool },
    /// The provider refuses, and would refuse the same call again.
    Refused { is_named: bool },
    /// Whether the call took effect is not known. The same call may be answered later.
    Unknown,
}

/// The status of a payment at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentStatus {
    /// The card was declined, and the customer may try another one.
    NeedsMethod,
    /// The customer must act, or the outcome comes later.
    Waiting,
    /// The money is set aside.
    SetAside,
    /// The payment was ended.
    Ended,
    /// The money is taken.
    Taken,
}

/// What a driver has learnt since it read the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Learnt {
    Nothing,
    /// Not all tickets could be booked.
    TicketsLost,
    /// The provider's answer to this question.
    Answer(Ask, Answer),
}

/// What a driver does next. After a transition it reads the order again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Ask(Ask),
    /// Book all tickets, which is the transition [`BOOK`](super::BOOK); if one is not available, nothing is changed.
    Book,
    /// Give the tickets back, which is the transition [`UNBOOK`](super::UNBOOK).
    Unbook,
    Take(Transition),
    /// The customer must act. The transition is taken first.
    WaitForCustomer {
        first: Option<Transition>,
    },
    /// Stop; the order's state is the outcome. The worker goes on with what is left.
    Stop,
    /// Stop; the outcome is not known yet. The worker goes on.
    StopUnsettled,
}

/// What a driver of the order does next, given what it has learnt. A customer has `time_limit` to pay, from the order
/// on.
pub(crate) fn next(order: &Progress, learnt: Learnt, time_limit: Duration) -> Action {
    if order.payment.is_end() {
        return Action::Stop;
    }
    match learnt {
        Learnt::Nothing if order.looks > MOST_LOOKS => Action::Take(HAND_OVER),
        Learnt::Nothing => first(order, time_limit),
        Learnt::TicketsLost if order.payment == PaymentState::Authorized => Action::Take(LOSE_TICKETS),
        Learnt::TicketsLost => Action::StopUnsettled,
        Learnt::Answer(asked, answer) => match order.payment {
            PaymentState::Authorizing | PaymentState::RequiresAction => authorized(order, answer, time_limit),
            PaymentState::Capturing => captured(asked, answer),
            PaymentState::Canceling => voided(asked, answer),
            PaymentState::Refunding if answer == Answer::GivenBack => Action::Take(FINISH_REFUND),
            _ => Action::StopUnsettled,
        },
    }
}

/// The first action after the order was read.
fn first(order: &Progress, time_limit: Duration) -> Action {
    use PaymentState::{Authorized, Authorizing, Canceling, Capturing, Refunding, RequiresAction};
    match (order.payment, order.is_named) {
        (Authorizing, _) if order.age > time_limit => Action::Take(EXPIRE),
        (Authorizing, _) => Action::Ask(Ask::Authorize),
        (RequiresAction, true) => Action::Ask(Ask::LookUp),
        (Authorized, _) => Action::Book,
        (Capturing, true) => Action::Ask(Ask::Capture),
        // It costs nothing: nobody was asked, and nothing is to be taken.
        (Capturing, false) => Action::Take(CAPTURE),
        (Canceling, true) => Action::Ask(Ask::Void),
        (Canceling, false) if order.is_free => Action::Take(VOID),
        // Whether there is a payment is not known: the same call finds it, or makes one that is ended next.
        (Canceling, false) => Action::Ask(Ask::Authorize),
        (Refunding, true) => Action::Ask(Ask::Refund),
        (RequiresAction | Refunding, false) => Action::Take(HAND_OVER),
        _ => Action::Stop,
    }
}

/// The money is not set aside yet, as far as the order says.
fn authorized(order: &Progress, answer: Answer, time_limit: Duration) -> Action {
    let is_late = order.age > time_limit;
    match answer {
        Answer::Payment(PaymentStatus::SetAside) => Action::Take(AUTHORIZE),
        Answer::Payment(PaymentStatus::NeedsMethod) => Action::Take(DECLINE),
        Answer::Payment(PaymentStatus::Ended) => Action::Take(LOSE_PAYMENT),
        Answer::Payment(PaymentStatus::Taken) => Action::Take(RETURN),
        Answer::Payment(PaymentStatus::Waiting) if is_late => Action::Take(EXPIRE),
        Answer::Payment(PaymentStatus::Waiting) => {
            let is_new = order.payment == PaymentState::Authorizing;
            Action::WaitForCustomer { first: is_new.then_some(AWAIT_CUSTOMER) }
        }
        Answer::Declined { is_named } => {
            Action::Take(if is_named || order.is_named { DECLINE } else { DECLINE_WITHOUT_PAYMENT })
        }
        Answer::Refused { is_named } => {
            Action::Take(if is_named || order.is_named { REJECT } else { REJECT_WITHOUT_PAYMENT })
        }
        Answer::Unknown | Answer::GivenBack => Action::StopUnsettled,
    }
}

/// The tickets are booked, and the money is to be taken.
fn captured(asked: Ask, answer: Answer) -> Action {
    match (asked, answer) {
        (_, Answer::Payment(PaymentStatus::Taken)) => Action::Take(CAPTURE),
        // Refused for good, unless an earlier call, whose answer was lost, took the money.
        (Ask::Capture, Answer::Declined { .. } | Answer::Refused { .. }) => Action::Ask(Ask::LookUp),
        (Ask::LookUp, Answer::Payment(_)) => Action::Unbook,
        _ => Action::StopUnsettled,
    }
}

/// The order is cancelled, and money may be set aside.
fn voided(asked: Ask, answer: Answer) -> Action {
    match (asked, answer) {
        (Ask::Authorize, Answer::Payment(_)) => Action::Take(FIND_PAYMENT),
        (Ask::Authorize, Answer::Declined { .. } | Answer::Refused { .. }) => Action::Take(VOID),
        (Ask::Void, Answer::Declined { .. } | Answer::Refused { .. }) => Action::Ask(Ask::LookUp),
        (_, Answer::Payment(PaymentStatus::Ended)) => Action::Take(VOID),
        (_, Answer::Payment(PaymentStatus::Taken)) => Action::Take(RETURN_CAPTURED),
        // The customer hears at once that nothing was sold; the worker ends the payment.
        _ => Action::Stop,
    }
}
