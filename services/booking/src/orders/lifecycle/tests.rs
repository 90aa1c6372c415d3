//! The table and [`next()`], for every state and every answer.

use std::{collections::BTreeSet, time::Duration};

use proptest::{prelude::*, sample::select};

use super::{next::MOST_LOOKS, *};

const TIME_LIMIT: Duration = Duration::from_secs(600);

fn answers() -> impl Strategy<Value = Answer> {
    use PaymentStatus::{Ended, NeedsMethod, SetAside, Taken, Waiting};
    prop_oneof![
        select(vec![NeedsMethod, Waiting, SetAside, Ended, Taken]).prop_map(Answer::Payment),
        Just(Answer::GivenBack),
        any::<bool>().prop_map(|is_named| Answer::Declined { is_named }),
        any::<bool>().prop_map(|is_named| Answer::Refused { is_named }),
        Just(Answer::Unknown),
    ]
}

fn asks() -> impl Strategy<Value = Ask> {
    select(vec![Ask::Authorize, Ask::LookUp, Ask::Capture, Ask::Void, Ask::Refund])
}

fn learnt() -> impl Strategy<Value = Learnt> {
    prop_oneof![
        Just(Learnt::Nothing),
        Just(Learnt::TicketsLost),
        (asks(), answers()).prop_map(|(ask, answer)| Learnt::Answer(ask, answer)),
    ]
}

fn orders() -> impl Strategy<Value = Progress> {
    let states = select(PaymentState::ALL.to_vec());
    (states, any::<bool>(), any::<bool>(), 0..2 * TIME_LIMIT.as_secs(), 0..2 * MOST_LOOKS).prop_map(
        |(payment, is_named, is_free, age, looks)| Progress {
            payment,
            is_named,
            is_free,
            age: Duration::from_secs(age),
            looks,
        },
    )
}

/// The transition that the action takes.
fn transition(action: Action) -> Option<Transition> {
    match action {
        Action::Book => Some(BOOK),
        Action::Unbook => Some(UNBOOK),
        Action::Take(transition) => Some(transition),
        Action::WaitForCustomer { first } => first,
        Action::Ask(_) | Action::Stop | Action::StopUnsettled => None,
    }
}

/// Drives an order once, as a driver does: asks and learns until a transition is taken or the driver stops.
fn drive_once(order: &Progress, are_tickets_lost: bool, answer: impl Fn(Ask) -> Answer) -> Option<Transition> {
    let mut learnt = Learnt::Nothing;
    for _ in 0..3 {
        learnt = match next(order, learnt, TIME_LIMIT) {
            Action::Ask(ask) => Learnt::Answer(ask, answer(ask)),
            Action::Book if are_tickets_lost => Learnt::TicketsLost,
            action => return transition(action),
        };
    }
    panic!("a driver asks for ever: {order:?}, {learnt:?}");
}

proptest! {
    #[test]
    fn every_action_is_a_transition_of_the_table_that_starts_from_the_state(order in orders(), learnt in learnt()) {
        if let Some(transition) = transition(next(&order, learnt, TIME_LIMIT)) {
            prop_assert!(ALL.contains(&transition));
            prop_assert!(transition.from.contains(&order.payment), "{} from {:?}", transition.name, order.payment);
        }
    }

    #[test]
    fn an_end_is_never_left(mut order in orders(), learnt in learnt()) {
        for end in PaymentState::ALL.iter().filter(|state| state.is_end()) {
            order.payment = *end;
            prop_assert_eq!(next(&order, learnt, TIME_LIMIT), Action::Stop);
        }
    }

    #[test]
    fn no_customer_is_waited_for_and_no_new_payment_begun_after_the_time_limit(mut order in orders(), answer in answers()) {
        order.age = TIME_LIMIT + Duration::from_secs(1);
        for payment in [Authorizing, RequiresAction] {
            order.payment = payment;
            for learnt in [Learnt::Nothing, Learnt::Answer(Ask::Authorize, answer), Learnt::Answer(Ask::LookUp, answer)] {
                let action = next(&order, learnt, TIME_LIMIT);
                let waits = matches!(action, Action::WaitForCustomer { .. } | Action::Ask(Ask::Authorize));
                prop_assert!(!waits, "{action:?}");
            }
        }
    }

    #[test]
    fn an_order_that_was_looked_at_too_often_is_given_to_a_person(mut order in orders()) {
        order.looks = MOST_LOOKS + 1;
        let expected = if order.payment.is_end() { Action::Stop } else { Action::Take(HAND_OVER) };
        prop_assert_eq!(next(&order, Learnt::Nothing, TIME_LIMIT), expected);
    }

    /// Whatever the provider answers, an order comes to an end once the worker has looked often enough.
    #[test]
    fn every_order_comes_to_an_end(
        is_free in any::<bool>(),
        are_tickets_lost in any::<bool>(),
        answers in proptest::collection::vec(answers(), 16),
    ) {
        let payment = if is_free { Authorized } else { Authorizing };
        let mut order = Progress { payment, is_named: false, is_free, age: Duration::ZERO, looks: 0 };
        for look in 0..40 * usize::try_from(MOST_LOOKS).expect("a small number") {
            match drive_once(&order, are_tickets_lost, |ask| answers[(look + ask as usize) % answers.len()]) {
                Some(transition) => {
                    order.payment = transition.to;
                    order.looks = 0;
                    order.is_named |= !matches!(
                        transition,
                        DECLINE_WITHOUT_PAYMENT | REJECT_WITHOUT_PAYMENT | EXPIRE | BOOK | LOSE_TICKETS
                    ) && !is_free;
                }
                None => order.looks += 1,
            }
            order.age += Duration::from_secs(20);
            if order.payment.is_end() {
                return Ok(());
            }
        }
        prop_assert!(false, "no end: {order:?}");
    }
}

#[test]
fn every_state_can_be_reached_and_has_a_way_to_an_end() {
    let mut reached: BTreeSet<_> = STARTS.iter().filter_map(|start| start.payment).collect();
    let mut ending: BTreeSet<_> = PaymentState::ALL.iter().copied().filter(|state| state.is_end()).collect();
    for _ in PaymentState::ALL {
        for transition in ALL {
            if transition.from.iter().any(|from| reached.contains(from)) {
                reached.insert(transition.to);
            }
            if ending.contains(&transition.to) {
                ending.extend(transition.from);
            }
        }
    }
    let all: BTreeSet<_> = PaymentState::ALL.iter().copied().collect();
    assert_eq!(reached, all);
    assert_eq!(ending, all);
}

#[test]
fn only_a_refund_leaves_an_end() {
    let leaving = ALL.iter().filter(|transition| transition.from.iter().any(|from| from.is_end()));
    assert_eq!(leaving.map(|transition| transition.name).collect::<Vec<_>>(), [REFUND.name, REFUND_FREE.name]);
}

#[test]
fn an_order_that_is_paid_is_authorized_booked_and_captured() {
    let answer = |ask| match ask {
        Ask::Authorize => Answer::Payment(PaymentStatus::SetAside),
        Ask::Capture => Answer::Payment(PaymentStatus::Taken),
        _ => Answer::Unknown,
    };
    let mut order = Progress { payment: Authorizing, is_named: false, is_free: false, age: Duration::ZERO, looks: 0 };
    let mut taken = Vec::new();
    while let Some(transition) = drive_once(&order, false, answer) {
        taken.push(transition.name);
        order = Progress { payment: transition.to, is_named: true, ..order };
    }
    assert_eq!(taken, [AUTHORIZE.name, BOOK.name, CAPTURE.name]);
}

#[test]
fn money_that_cannot_be_captured_gives_the_tickets_back() {
    let answer = |ask| match ask {
        Ask::Capture => Answer::Refused { is_named: true },
        Ask::LookUp => Answer::Payment(PaymentStatus::SetAside),
        _ => Answer::Payment(PaymentStatus::Ended),
    };
    let mut order = Progress { payment: Capturing, is_named: true, is_free: false, age: Duration::ZERO, looks: 0 };
    let mut taken = Vec::new();
    while let Some(transition) = drive_once(&order, false, answer) {
        taken.push(transition.name);
        order.payment = transition.to;
    }
    assert_eq!(taken, [UNBOOK.name, VOID.name]);
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<_> = ALL.iter().map(|transition| transition.name).collect();
    assert_eq!(names.len(), ALL.len());
}
