//! Recent refusals, to answer a crowd without Redis.
//!
//! Many customers may want a ticket that another one holds. Each of them would cost Redis a script, only to hear what
//! the last hundred have just heard. After a few refusals within a moment, the rest of that moment is answered from
//! memory. Then one caller asks Redis again, and the others get the same refusal until its answer is there. The owner
//! is not answered from here: their repeat succeeds, and only Redis knows. A ticket that comes back can be held a
//! moment and one answer of Redis later.

use std::time::{Duration, Instant};

use ids::{TicketId, UserId};
use quick_cache::sync::Cache;
use seats::Occupied;

/// How long a refusal may be repeated to others.
const MOMENT: Duration = Duration::from_millis(100);
/// From this many refusals within a moment on, those who want a ticket are a crowd.
const CROWD: u32 = 8;
/// How many tickets are watched at the same time, at some 100 bytes each.
const WATCHED_TICKETS: usize = 4_000;

/// The refusals of the last moment, by ticket.
pub(super) struct RefusalCache(Cache<TicketId, Refused>);

#[derive(Clone, Copy)]
struct Refused {
    owner: UserId,
    because: Occupied,
    since: Instant,
    refusals: u32,
}

impl Default for RefusalCache {
    fn default() -> Self {
        Self(Cache::new(WATCHED_TICKETS))
    }
}

impl RefusalCache {
    /// Why the user cannot have the ticket, if a crowd was refused it just now. `None` means: ask Redis.
    pub(super) fn find(&self, ticket: TicketId, user: UserId) -> Option<Occupied> {
        let refused = self.0.get(&ticket)?;
        if refused.refusals < CROWD || refused.owner == user {
            return None;
        }
        if refused.since.elapsed() < MOMENT {
            return Some(refused.because);
        }
        // This caller asks for all of them. A crowd that has gone away in the meantime is none any more.
        let is_still_there = refused.since.elapsed() < 2 * MOMENT;
        let refusals = if is_still_there { refused.refusals } else { 0 };
        self.0.insert(ticket, Refused { since: Instant::now(), refusals, ..refused });
        None
    }

    /// Forgets the refusals of a ticket that somebody holds now.
    pub(super) fn forget(&self, ticket: TicketId) {
        self.0.remove(&ticket);
    }

    /// Notes that Redis has refused the ticket to somebody because of its owner.
    pub(super) fn note(&self, ticket: TicketId, owner: UserId, because: Occupied) {
        let so_far = self.0.get(&ticket).filter(|refused| refused.since.elapsed() < MOMENT && refused.owner == owner);
        let Refused { since, refusals, .. } =
            so_far.unwrap_or(Refused { owner, because, since: Instant::now(), refusals: 0 });
        self.0.insert(ticket, Refused { owner, because, since, refusals: refusals + 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_refused_from_memory_but_the_owner_and_the_first_few_are_not() {
        let (cache, ticket, owner) = (RefusalCache::default(), TicketId::random(), UserId::random());
        for _ in 1..CROWD {
            cache.note(ticket, owner, Occupied::Held);
            assert_eq!(cache.find(ticket, UserId::random()), None);
        }
        cache.note(ticket, owner, Occupied::Held);
        assert_eq!(cache.find(ticket, UserId::random()), Some(Occupied::Held));
        assert_eq!(cache.find(ticket, owner), None);
        assert_eq!(cache.find(TicketId::random(), UserId::random()), None);
    }

    #[test]
    fn a_new_owner_begins_a_new_count() {
        let (cache, ticket) = (RefusalCache::default(), TicketId::random());
        for _ in 0..CROWD {
            cache.note(ticket, UserId::random(), Occupied::Held);
        }
        assert_eq!(cache.find(ticket, UserId::random()), None);
    }

    #[test]
    fn after_a_moment_one_caller_asks_and_a_ticket_that_was_held_has_no_crowd() {
        let (cache, ticket, owner) = (RefusalCache::default(), TicketId::random(), UserId::random());
        let since = Instant::now().checked_sub(MOMENT).unwrap();
        cache.0.insert(ticket, Refused { owner, because: Occupied::Held, since, refusals: CROWD });
        assert_eq!(cache.find(ticket, UserId::random()), None, "this caller asks");
        assert_eq!(cache.find(ticket, UserId::random()), Some(Occupied::Held), "the others do not");
        cache.forget(ticket);
        assert_eq!(cache.find(ticket, UserId::random()), None);
    }

    #[test]
    fn a_crowd_that_went_away_is_forgotten() {
        let (cache, ticket, owner) = (RefusalCache::default(), TicketId::random(), UserId::random());
        let since = Instant::now().checked_sub(2 * MOMENT).unwrap();
        cache.0.insert(ticket, Refused { owner, because: Occupied::Held, since, refusals: CROWD });
        for _ in 0..2 {
            assert_eq!(cache.find(ticket, UserId::random()), None);
        }
    }
}
