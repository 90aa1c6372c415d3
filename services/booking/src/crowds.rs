//! Crowds: many customers who want a ticket that another one has.
//!
//! Each of them would cost Redis a script and the service a wait, only to hear what the last hundred have just heard. Once a
//! few were refused within a moment, the rest of that moment is answered from memory; then one of them asks Redis, and the
//! others go on hearing the same until its answer is there. The owner's repeat is not answered from here: it succeeds, and
//! only Redis knows. A ticket that comes back is had at most a moment and an answer of Redis later.

use std::time::{Duration, Instant};

use ids::{TicketId, UserId};
use quick_cache::sync::Cache;
use seats::Occupied;

/// How long a refusal may be repeated to others.
const MOMENT: Duration = Duration::from_millis(100);
/// From so many refusals within a moment on, those who want a ticket are a crowd.
const CROWD: u32 = 8;
/// Tickets that are watched at the same time, some 100 bytes each.
const WATCHED_TICKETS: usize = 4_000;

/// Who has the tickets that many want.
pub(crate) struct Crowds(Cache<TicketId, Taken>);

#[derive(Clone, Copy)]
struct Taken {
    owner: UserId,
    because: Occupied,
    since: Instant,
    refusals: u32,
}

impl Default for Crowds {
    fn default() -> Self {
        Self(Cache::new(WATCHED_TICKETS))
    }
}

impl Crowds {
    /// Why the user cannot have the ticket, if a crowd has just been told so. Nothing when Redis is to be asked.
    pub(crate) fn refusal(&self, ticket: TicketId, user: UserId) -> Option<Occupied> {
        let taken = self.0.get(&ticket)?;
        if taken.refusals < CROWD || taken.owner == user {
            return None;
        }
        if taken.since.elapsed() < MOMENT {
            return Some(taken.because);
        }
        // This one asks for all; a crowd that has gone away meanwhile is none any more.
        let is_still_there = taken.since.elapsed() < 2 * MOMENT;
        let refusals = if is_still_there { taken.refusals } else { 0 };
        self.0.insert(ticket, Taken { since: Instant::now(), refusals, ..taken });
        None
    }

    /// Somebody was given the ticket.
    pub(crate) fn given(&self, ticket: TicketId) {
        self.0.remove(&ticket);
    }

    /// Redis has refused the ticket to somebody because of its owner.
    pub(crate) fn refused(&self, ticket: TicketId, owner: UserId, because: Occupied) {
        let so_far = self.0.get(&ticket).filter(|taken| taken.since.elapsed() < MOMENT && taken.owner == owner);
        let Taken { since, refusals, .. } =
            so_far.unwrap_or(Taken { owner, because, since: Instant::now(), refusals: 0 });
        self.0.insert(ticket, Taken { owner, because, since, refusals: refusals + 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_refused_from_memory_but_not_the_owner_nor_the_first_few() {
        let (crowds, ticket, owner) = (Crowds::default(), TicketId::random(), UserId::random());
        for _ in 1..CROWD {
            crowds.refused(ticket, owner, Occupied::Held);
            assert_eq!(crowds.refusal(ticket, UserId::random()), None);
        }
        crowds.refused(ticket, owner, Occupied::Held);
        assert_eq!(crowds.refusal(ticket, UserId::random()), Some(Occupied::Held));
        assert_eq!(crowds.refusal(ticket, owner), None);
        assert_eq!(crowds.refusal(TicketId::random(), UserId::random()), None);
    }

    #[test]
    fn a_new_owner_begins_a_new_count() {
        let (crowds, ticket) = (Crowds::default(), TicketId::random());
        for _ in 0..CROWD {
            crowds.refused(ticket, UserId::random(), Occupied::Held);
        }
        assert_eq!(crowds.refusal(ticket, UserId::random()), None);
    }

    #[test]
    fn after_a_moment_one_asks_for_all_and_a_ticket_that_was_given_has_no_crowd() {
        let (crowds, ticket, owner) = (Crowds::default(), TicketId::random(), UserId::random());
        let since = Instant::now().checked_sub(MOMENT).unwrap();
        crowds.0.insert(ticket, Taken { owner, because: Occupied::Held, since, refusals: CROWD });
        assert_eq!(crowds.refusal(ticket, UserId::random()), None, "this one asks");
        assert_eq!(crowds.refusal(ticket, UserId::random()), Some(Occupied::Held), "the others need not");
        crowds.given(ticket);
        assert_eq!(crowds.refusal(ticket, UserId::random()), None);
    }

    #[test]
    fn a_crowd_that_went_away_is_forgotten() {
        let (crowds, ticket, owner) = (Crowds::default(), TicketId::random(), UserId::random());
        let since = Instant::now().checked_sub(2 * MOMENT).unwrap();
        crowds.0.insert(ticket, Taken { owner, because: Occupied::Held, since, refusals: CROWD });
        for _ in 0..2 {
            assert_eq!(crowds.refusal(ticket, UserId::random()), None);
        }
    }
}
