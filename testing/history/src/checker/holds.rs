//! Holds: when they can have begun, when they must have ended, and that they are honoured and exclusive.

use crate::history::{Call, Operation, Outcome};

use super::{
    Found, Rule,
    story::{Stories, Story},
};

/// Whether the customer held the ticket without a break from this reservation until the operation began to have its
/// effect.
enum Verdict {
    Unbroken,
    Outlived,
    PastLifetime,
    Broken,
}

/// Returns the rule that is broken if the customer did not hold the ticket without a break until `operation`; `None`
/// when they can have held it.
pub(crate) fn why_not_held(stories: &Stories, story: &Story, operation: &Operation) -> Option<Rule> {
    let mut why = Rule::SoldWithoutHold;
    for taken in sources(stories, story, &operation.customer) {
        if taken.start_us > stories.latest(operation) {
            continue;
        }
        let found = match judge(stories, story, taken, operation) {
            Verdict::Unbroken => return None,
            Verdict::Outlived => Rule::HoldOutlived,
            Verdict::PastLifetime => Rule::LifetimeExceeded,
            Verdict::Broken => Rule::HoldBroken,
        };
        // A later reservation explains more than an earlier one, and a broken hold more than one that ran out of time.
        if why != Rule::HoldBroken {
            why = found;
        }
    }
    Some(why)
}

fn judge(stories: &Stories, story: &Story, taken: &Operation, operation: &Operation) -> Verdict {
    let run = stories.run;
    let begun = stories.latest(taken);
    if operation.start_us > last_moment(stories, story, taken, operation) + run.tolerance_us {
        return Verdict::Outlived;
    }
    if operation.start_us > begun + run.lifetime_us + run.tolerance_us {
        return Verdict::PastLifetime;
    }
    let between = |other: &Operation| begun < other.start_us && other.end_us < operation.start_us;
    let taken_by_another =
        story.others(&operation.customer).any(|other| other.holds() && other.outcome == Outcome::Ok && between(other));
    let let_go = story
        .of(&operation.customer)
        .any(|other| other.call == Call::Release && other.outcome == Outcome::Ok && between(other));
    if taken_by_another || let_go || stories.flushed_between(begun, operation.start_us) {
        return Verdict::Broken;
    }
    Verdict::Unbroken
}

/// The last moment at which the hold can be alive, counting extensions before `operation` and ignoring the lifetime.
fn last_moment(stories: &Stories, story: &Story, taken: &Operation, operation: &Operation) -> u64 {
    let run = stories.run;
    let mut end = stories.latest(taken).saturating_add(run.hold_us);
    let extensions = story.of(&taken.customer).filter(|other| {
        other.call == Call::Extend
            && other.may_have_happened()
            && other.start_us >= taken.start_us
            && other.start_us < operation.start_us
    });
    for extension in extensions {
        if extension.start_us <= end + run.tolerance_us {
            end = end.max(stories.latest(extension).saturating_add(run.hold_us));
        }
    }
    end
}

/// The customer's reservations that can have begun a hold. A reservation that certainly repeats a living hold begins
/// none.
fn sources<'a>(stories: &Stories, story: &Story<'a>, customer: &str) -> Vec<&'a Operation> {
    let reservations: Vec<_> =
        story.of(customer).filter(|operation| operation.holds() && operation.may_have_happened()).collect();
    let repeats = |later: &Operation| {
        reservations.iter().any(|first| {
            first.end_us <= later.start_us
                && is_surely_new(stories, story, first)
                && lasts_until(stories, story, first, later.end_us, |_| true)
        })
    };
    reservations.iter().copied().filter(|reservation| !repeats(reservation)).collect()
}

/// Whether a reservation certainly began a hold, because no earlier hold of the same customer can have been alive.
fn is_surely_new(stories: &Stories, story: &Story, taken: &Operation) -> bool {
    let run = stories.run;
    taken.outcome == Outcome::Ok
        && !story.of(&taken.customer).any(|other| {
            !std::ptr::eq(other, taken)
                && (other.holds() || other.call == Call::Extend)
                && other.may_have_happened()
                && other.start_us < taken.end_us
                && stories.latest(other).saturating_add(run.lifetime_us.max(run.hold_us)) + run.tolerance_us
                    >= taken.start_us
        })
}

/// Whether a hold that certainly began with `taken` certainly lasts until `moment`: its length is not over, its owner
/// did nothing that may end it (`counts` selects the operations that are looked at), and Redis lost nothing.
fn lasts_until(
    stories: &Stories,
    story: &Story,
    taken: &Operation,
    moment: u64,
    counts: impl Fn(&Operation) -> bool,
) -> bool {
    let run = stories.run;
    let ended_by_owner = story.of(&taken.customer).any(|operation| {
        let may_end = operation.call == Call::Release || operation.call == Call::Cancel || operation.sells();
        // A declined card leaves the hold as it is.
        may_end
            && operation.outcome != Outcome::Declined
            && counts(operation)
            && operation.start_us < moment
            && stories.latest(operation) >= taken.start_us
    });
    moment + run.tolerance_us < taken.start_us + run.hold_us
        && !ended_by_owner
        && !stories.loss_possible(taken.start_us, moment)
}

pub(crate) fn check(stories: &Stories, story: &Story, found: &mut Found) {
    let reserved: Vec<_> = story
        .operations
        .iter()
        .copied()
        .filter(|operation| operation.holds() && operation.outcome == Outcome::Ok)
        .collect();
    for (position, taken) in reserved.iter().enumerate() {
        if !is_surely_new(stories, story, taken) {
            continue;
        }
        let later =
            reserved[position + 1..].iter().take_while(|later| later.start_us < taken.start_us + stories.run.hold_us);
        for later in later.filter(|later| later.customer != taken.customer && later.start_us > taken.end_us) {
            if lasts_until(stories, story, taken, later.end_us, |_| true)
                && !another_sale_was_lost(stories, story, &taken.customer, later.end_us)
            {
                found.add(
                    Rule::HeldTwice,
                    story.ticket,
                    format!("{} holds it, and {} was given it: {taken:?} {later:?}", taken.customer, later.customer),
                );
            }
        }
        refused_though_held(stories, story, taken, found);
    }
    for extension in story.operations.iter().filter(|other| other.call == Call::Extend && other.outcome == Outcome::Ok)
    {
        if let Some(rule) = why_not_held(stories, story, extension) {
            let rule = if rule == Rule::SoldWithoutHold { Rule::HoldOutlived } else { rule };
            found.add(rule, story.ticket, format!("extended without a hold: {extension:?}"));
        }
    }
}

/// Reports a customer who certainly held the tickets, asked to buy them in time, and was refused.
fn refused_though_held(stories: &Stories, story: &Story, taken: &Operation, found: &mut Found) {
    // A hold of several tickets is looked at once, for its first ticket.
    if taken.tickets.first().is_none_or(|first| first != story.ticket) {
        return;
    }
    let refused = story.of(&taken.customer).filter(|operation| {
        operation.sells()
            && operation.outcome == Outcome::Refused
            && operation.start_us > taken.end_us
            // A hold of several tickets is sold by an order.
            && (operation.call == Call::Order) == (taken.call == Call::Hold)
    });
    for refused in refused {
        // An order sells all tickets or none, so every one of them must be held.
        let all_held = taken.tickets.iter().filter_map(|ticket| stories.get(ticket)).all(|story| {
            is_surely_new(stories, story, taken)
                && lasts_until(stories, story, taken, refused.end_us, |other| !std::ptr::eq(other, refused))
                && !another_sale_was_lost(stories, story, &refused.customer, refused.end_us)
        });
        if all_held {
            found.add(Rule::HoldNotHonoured, story.ticket, format!("{taken:?} {refused:?}"));
        }
    }
}

/// Whether Redis may have lost, before `moment`, the mark of another customer's sale that was under way. That sale is
/// decided first, and it ends every hold that began since.
fn another_sale_was_lost(stories: &Stories, story: &Story, customer: &str, moment: u64) -> bool {
    let others = story.others(customer);
    let sales = others.filter(|other| other.sells() && other.may_have_happened() && other.start_us < moment);
    sales.map(|other| other.start_us).min().is_some_and(|start| stories.loss_possible(start, moment))
}

/// Counts the ticket's holds that expired and were followed by another customer's hold.
pub(crate) fn taken_over(stories: &Stories, story: &Story) -> usize {
    let reserved: Vec<_> =
        story.operations.iter().filter(|operation| operation.holds() && operation.outcome == Outcome::Ok).collect();
    let ran_out = |first: &Operation, next: &Operation| {
        let untouched = !story.of(&first.customer).any(|operation| {
            operation.call == Call::Release && operation.start_us >= first.start_us && operation.start_us < next.end_us
                || operation.proves_a_sale()
        });
        first.customer != next.customer
            && next.start_us > first.start_us + stories.run.hold_us
            && !stories.loss_possible(first.start_us, next.end_us)
            && untouched
    };
    reserved.windows(2).filter(|pair| ran_out(pair[0], pair[1])).count()
}
