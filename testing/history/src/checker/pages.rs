//! Event pages: a sold seat is not shown as available.

use crate::history::{Call, Operation, Outcome};

use super::{
    Found, Rule,
    story::{Stories, Story},
};

pub(crate) fn check(stories: &Stories, found: &mut Found) {
    let pages = stories.history.operations.iter().filter(|page| page.call == Call::Page && page.outcome == Outcome::Ok);
    for page in pages {
        for story in page.tickets.iter().filter_map(|ticket| stories.get(ticket)) {
            if let Some(proof) = sold_before(story, page) {
                found.add(
                    Rule::SoldSeatShownAvailable,
                    story.ticket,
                    format!("{proof:?}, and then {} at {}", page.at, page.start_us),
                );
            }
        }
    }
}

/// An answer that proves the sale of the ticket and came before the page was asked for.
fn sold_before<'a>(story: &Story<'a>, page: &Operation) -> Option<&'a Operation> {
    story.operations.iter().copied().find(|proof| {
        proof.proves_a_sale() && proof.end_us < page.start_us && !story.given_back(&proof.customer, page.end_us)
    })
}
