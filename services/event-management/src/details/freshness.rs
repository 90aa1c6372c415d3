//! How far this process knows what it keeps to be up to date.
//!
//! An answer is kept under the [`Stamp`] that was current when its making began, never under a later one. A change
//! moves the stamp. So an answer that was read before a change and is stored after it is stored under a stamp that
//! nobody looks up.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ids::EventId;
use tokio::time::Instant;

/// Events share this many counters. Two events that share one cost each other a reload now and then; a counter for each
/// event would take memory without end.
const COUNTERS: usize = 4096;

/// How long the absence of notifications counts as "nothing changed" after the subscription was last confirmed.
/// Together with the time of an answer it stays below the two seconds within which a change must show, even when the
/// connection dies unnoticed.
const TRUST_PERIOD: Duration = Duration::from_millis(1500);

/// While this process is unsubscribed, answers made within one interval of this length are shared. Otherwise every
/// request would ask a database that has just come back.
const UNSUBSCRIBED_INTERVAL: Duration = Duration::from_millis(500);

/// A point in the history of one event, as far as this process knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stamp {
    /// Changes are received. The numbers count the changes of everything and those of this event.
    Subscribed { everything: u64, event: u64 },
    /// Changes may be missed. An answer made now is good for this interval only.
    Unsubscribed { interval: u128 },
}

/// The changes received so far, and until when the absence of others is trusted.
pub(crate) struct Freshness {
    everything: AtomicU64,
    events: Box<[AtomicU64]>,
    hasher: RandomState,
    started: Instant,
    trusted_until: Mutex<Option<Instant>>,
}

impl Freshness {
    /// Nothing is trusted before the first [`Freshness::confirm`].
    pub(crate) fn new() -> Self {
        Self {
            everything: AtomicU64::default(),
            events: (0..COUNTERS).map(|_| AtomicU64::default()).collect(),
            hasher: RandomState::new(),
            started: Instant::now(),
            trusted_until: Mutex::default(),
        }
    }

    /// The stamp under which an answer about this event is looked up and made.
    pub(crate) fn stamp(&self, event: EventId) -> Stamp {
        let now = Instant::now();
        if self.trusted_until().is_some_and(|until| now < until) {
            Stamp::Subscribed {
                everything: self.everything.load(Ordering::Acquire),
                event: self.counter(event).load(Ordering::Acquire),
            }
        } else {
            let interval = now.duration_since(self.started).as_millis() / UNSUBSCRIBED_INTERVAL.as_millis();
            Stamp::Unsubscribed { interval }
        }
    }

    pub(crate) fn changed(&self, event: EventId) {
        self.counter(event).fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn everything_changed(&self) {
        self.everything.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that all changes committed before `since` have been received.
    pub(crate) fn confirm(&self, since: Instant) {
        *self.trusted_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(since + TRUST_PERIOD);
    }

    /// Notes that changes may be missed from now on.
    pub(crate) fn unsubscribed(&self) {
        *self.trusted_until.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn trusted_until(&self) -> Option<Instant> {
        *self.trusted_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counter(&self, event: EventId) -> &AtomicU64 {
        // The remainder is below COUNTERS, so the cast back loses nothing.
        #[expect(clippy::cast_possible_truncation, reason = "a hash is cut on purpose")]
        let index = self.hasher.hash_one(event) as usize % COUNTERS;
        &self.events[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_change_moves_the_stamp_of_its_event() {
        let freshness = Freshness::new();
        freshness.confirm(Instant::now());
        let event = EventId::random();
        let before = freshness.stamp(event);
        assert_eq!(freshness.stamp(event), before);
        freshness.changed(event);
        let after = freshness.stamp(event);
        assert_ne!(after, before);
        freshness.everything_changed();
        assert_ne!(freshness.stamp(event), after);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_trusted_before_the_first_confirmation_or_too_long_after_the_last() {
        let freshness = Freshness::new();
        let event = EventId::random();
        assert!(matches!(freshness.stamp(event), Stamp::Unsubscribed { .. }));
        freshness.confirm(Instant::now());
        assert!(matches!(freshness.stamp(event), Stamp::Subscribed { .. }));
        tokio::time::advance(TRUST_PERIOD).await;
        assert!(matches!(freshness.stamp(event), Stamp::Unsubscribed { .. }));
        freshness.confirm(Instant::now());
        freshness.unsubscribed();
        assert!(matches!(freshness.stamp(event), Stamp::Unsubscribed { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_made_while_unsubscribed_is_soon_out_of_date() {
        let freshness = Freshness::new();
        let event = EventId::random();
        let stamp = freshness.stamp(event);
        tokio::time::advance(UNSUBSCRIBED_INTERVAL).await;
        assert_ne!(freshness.stamp(event), stamp);
    }
}
