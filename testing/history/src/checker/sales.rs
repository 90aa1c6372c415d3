//! Sales: a ticket is sold to one customer at a time, and to the customer who held it.

use std::collections::BTreeMap;

use crate::history::{Call, Operation, Outcome};

use super::{
    Found, Rule, holds,
    story::{Stories, Story},
};

pub(crate) fn check(stories: &Stories, story: &Story, found: &mut Found) {
    let proofs: Vec<&Operation> =
        story.operations.iter().copied().filter(|operation| operation.proves_a_sale()).collect();
    for proof in &proofs {
        if let Some(rule) = why_not_sold(stories, story, &proof.customer, Some(proof)) {
            found.add(rule, story.ticket, format!("{} was told that the ticket is theirs: {proof:?}", proof.customer));
        }
        sold_again(story, proof, &proofs, found);
        reserved_afterwards(story, proof, found);
    }
    for order in story.orders.iter().filter(|order| matches!(order.state.as_str(), "booked" | "refunded")) {
        if let Some(rule) = why_not_sold(stories, story, &order.customer, None) {
            found.add(rule, story.ticket, format!("order {} of {} is {}", order.order, order.customer, order.state));
        }
    }
}

/// Returns the rule that every request of the customer breaks if it sold the ticket; `None` when a request can have
/// sold it. With a `proof`, only requests that began before its answer count.
fn why_not_sold(stories: &Stories, story: &Story, customer: &str, proof: Option<&Operation>) -> Option<Rule> {
    let until = proof.map_or(u64::MAX, |proof| proof.end_us);
    // Requests from before a refund belong to an earlier sale.
    let given_back = proof.and_then(|proof| {
        let refunds = story.of(customer).filter(|other| {
            other.call == Call::Refund && other.outcome == Outcome::Ok && other.end_us < proof.start_us
        });
        refunds.map(|refund| refund.start_us).max()
    });
    let mut why = None;
    let requests = story
        .of(customer)
        .filter(|other| other.sells() && other.may_have_happened() && other.start_us <= until)
        .filter(|other| given_back.is_none_or(|moment| other.start_us > moment));
    for request in requests {
        match holds::why_not_held(stories, story, request) {
            None => return None,
            Some(rule) => why = Some(rule),
        }
    }
    Some(why.unwrap_or(Rule::SoldThoughRefused))
}

/// Reports a ticket that was sold to two customers, neither of whom gave it back before the other got it.
fn sold_again(story: &Story, proof: &Operation, proofs: &[&Operation], found: &mut Found) {
    let mut first_proofs: BTreeMap<&str, u64> = BTreeMap::new();
    for other in proofs {
        let end = first_proofs.entry(&other.customer).or_insert(other.end_us);
        *end = (*end).min(other.end_us);
    }
    let mine = first_proofs.get(proof.customer.as_str()).copied().unwrap_or(proof.end_us);
    for (other, theirs) in first_proofs {
        let one_after_the_other = story.given_back(&proof.customer, theirs) || story.given_back(other, mine);
        if *other < *proof.customer && !one_after_the_other {
            found.add(
                Rule::SoldTwice,
                story.ticket,
                format!("{other} and {} were both told that the ticket is theirs", proof.customer),
            );
        }
    }
}

fn reserved_afterwards(story: &Story, proof: &Operation, found: &mut Found) {
    let reserved = story
        .operations
        .iter()
        .find(|other| other.holds() && other.outcome == Outcome::Ok && other.start_us > proof.end_us);
    if let Some(reserved) = reserved
        && !story.given_back(&proof.customer, reserved.end_us)
    {
        found.add(Rule::SoldSeatReserved, story.ticket, format!("{proof:?} {reserved:?}"));
    }
}
