//! The final state in PostgreSQL: it agrees with itself and with the answers.

use crate::history::{Call, Outcome};

use super::{Found, Rule, story::Story};

pub(crate) fn check(story: &Story, found: &mut Found) {
    one_owner(story, found);
    each_sale_is_kept(story, found);
    for operation in story.operations.iter().filter(|operation| operation.outcome == Outcome::Ok) {
        let Some(order) = story.orders.iter().find(|order| Some(&order.order) == operation.order.as_ref()) else {
            continue;
        };
        if operation.call == Call::Refund && order.state != "refunded" {
            found.add(Rule::RefundMissing, &order.order, format!("it is {}: {operation:?}", order.state));
        }
        if operation.call == Call::Cancel && order.state == "booked" {
            found.add(Rule::SoldThoughCancelled, &order.order, format!("{operation:?}"));
        }
    }
}

fn one_owner(story: &Story, found: &mut Found) {
    let owners: Vec<_> = story.orders.iter().filter(|order| order.state == "booked").collect();
    if owners.len() > 1 {
        let orders: Vec<_> = owners.iter().map(|order| order.order.as_str()).collect();
        found.add(Rule::SoldTwice, story.ticket, format!("booked orders {}", orders.join(", ")));
    }
    let status = story.stored.map_or("missing", |ticket| ticket.status.as_str());
    if (status == "booked") == owners.is_empty() {
        let seen = format!("the ticket is {status}, and {} booked orders have it", owners.len());
        found.add(Rule::TicketAndOrderDiffer, story.ticket, seen);
    }
}

/// A customer who was told that the ticket is theirs has it in PostgreSQL, or asked for a refund.
fn each_sale_is_kept(story: &Story, found: &mut Found) {
    for proof in story.operations.iter().filter(|operation| operation.proves_a_sale()) {
        let kept = story.orders.iter().any(|order| {
            let given_back = order.state == "refunded" && story.given_back(&proof.customer, u64::MAX);
            order.customer == proof.customer
                && (order.state == "booked" || given_back)
                && proof.order.as_ref().is_none_or(|named| *named == order.order)
        });
        if !kept {
            found.add(Rule::SaleLost, story.ticket, format!("{proof:?}"));
        }
    }
}
