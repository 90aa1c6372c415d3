//! Money: the captured amount belongs to booked tickets, or was refunded.

use std::collections::BTreeMap;

use crate::history::{History, Order, Payment};

use super::{Found, Rule};

/// States of an order that are no end states.
const UNDER_WAY: [&str; 2] = ["pending", "paying"];

pub(crate) fn check(history: &History, found: &mut Found) {
    let mut payments: BTreeMap<&str, Vec<&Payment>> = BTreeMap::new();
    for payment in &history.payments {
        match &payment.order {
            Some(order) => payments.entry(order).or_default().push(payment),
            None => without_order(payment, found),
        }
    }
    for order in &history.orders {
        let payments = payments.remove(order.order.as_str()).unwrap_or_default();
        if UNDER_WAY.contains(&order.state.as_str()) {
            found.add(Rule::NotSettled, &order.order, format!("the order is still {}", order.state));
        }
        check_order(order, &payments, found);
    }
    payments.into_values().flatten().for_each(|payment| without_order(payment, found));
}

fn check_order(order: &Order, payments: &[&Payment], found: &mut Found) {
    let kept: i64 = payments.iter().map(|payment| payment.kept()).sum();
    let owed = if order.state == "booked" && order.provider != "free" { order.amount } else { 0 };
    if kept != owed {
        let rule = match order.state.as_str() {
            "booked" => Rule::WrongAmount,
            "refunded" => Rule::RefundMissing,
            _ => Rule::CaptureWithoutTickets,
        };
        found.add(rule, &order.order, format!("the {} order is worth {owed}, and {kept} was kept", order.state));
    }
    // An open authorization of a booked order shows as a wrong amount above.
    for payment in payments.iter().filter(|payment| payment.capturable > 0 && order.state != "booked") {
        found.add(
            Rule::AuthorizationLeftOpen,
            &payment.intent,
            format!("{} is put aside for order {}, which is {}", payment.capturable, order.order, order.state),
        );
    }
}

fn without_order(payment: &Payment, found: &mut Found) {
    if payment.kept() != 0 {
        let seen = format!("{} was kept for no order", payment.kept());
        found.add(Rule::CaptureWithoutTickets, &payment.intent, seen);
    }
    if payment.capturable > 0 {
        let seen = format!("{} is put aside for no order", payment.capturable);
        found.add(Rule::AuthorizationLeftOpen, &payment.intent, seen);
    }
}
