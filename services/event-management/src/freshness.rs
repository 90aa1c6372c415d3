//! What this process knows about the age of what it keeps.
//!
//! A kept answer is found under the [`Stamp`] that was current when its making began, never under a later one. A change
//! moves the stamp, so an answer that was read before the change and is stored after it is stored where nobody looks.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

/// Events share this many counters. Two that share one cost each other a reload now and then; one counter for each event
/// would grow without end.
const COUNTERS: usize = 4096;

/// How long silence counts as "nothing changed" after the listener last proved that it hears. With the time of an answer it
/// stays below the two seconds within which a change must show, even when the connection dies without a word.
pub(crate) const TRUST: Duration = Duration::from_millis(1500);

/// While nothing is heard, answers made in the same interval of this length are shared: a database that has just come back
/// must not be asked by every customer at once.
const UNHEARD_INTERVAL: Duration = Duration::from_millis(500);

/// A point in the history of one event, as far as this process has heard of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stamp {
    /// Changes are being heard; the numbers count those of everything and those of this event.
    Heard { everything: u64, event: u64 },
    /// Changes may pass unheard: what is made now is good for this interval only.
    Unheard { interval: u128 },
}

/// The changes heard so far, and until when hearing none means that there was none.
pub(crate) struct Freshness {
    everything: AtomicU64,
    events: Box<[AtomicU64]>,
    hasher: RandomState,
    started: Instant,
    trusted_until: Mutex<Option<Instant>>,
}

impl Freshness {
    /// Nothing is trusted until [`Freshness::heard`].
    pub(crate) fn new() -> Self {
        Self {
            everything: AtomicU64::default(),
            events: (0..COUNTERS).map(|_| AtomicU64::default()).collect(),
            hasher: RandomState::new(),
            started: Instant::now(),
            trusted_until: Mutex::default(),
        }
    }

    /// The stamp under which an answer about this event is looked up, and made.
    pub(crate) fn stamp(&self, event: Uuid) -> Stamp {
        let now = Instant::now();
        if self.trusted_until().is_some_and(|until| now < until) {
            Stamp::Heard {
                everything: self.everything.load(Ordering::Acquire),
                event: self.counter(event).load(Ordering::Acquire),
            }
        } else {
            let interval = now.duration_since(self.started).as_millis() / UNHEARD_INTERVAL.as_millis();
            Stamp::Unheard { interval }
        }
    }

    /// This event changed.
    pub(crate) fn changed(&self, event: Uuid) {
        self.counter(event).fetch_add(1, Ordering::AcqRel);
    }

    /// Anything may have changed.
    pub(crate) fn everything_changed(&self) {
        self.everything.fetch_add(1, Ordering::AcqRel);
    }

    /// All changes committed before `since` have been heard.
    pub(crate) fn heard(&self, since: Instant) {
        *self.trusted_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(since + TRUST);
    }

    /// From now on changes may pass unheard.
    pub(crate) fn deaf(&self) {
        *self.trusted_until.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn trusted_until(&self) -> Option<Instant> {
        *self.trusted_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counter(&self, event: Uuid) -> &AtomicU64 {
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
        freshness.heard(Instant::now());
        let event = Uuid::new_v4();
        let before = freshness.stamp(event);
        assert_eq!(freshness.stamp(event), before);
        freshness.changed(event);
        let after = freshness.stamp(event);
        assert_ne!(after, before);
        freshness.everything_changed();
        assert_ne!(freshness.stamp(event), after);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_trusted_before_the_first_proof_or_too_long_after_the_last() {
        let freshness = Freshness::new();
        let event = Uuid::new_v4();
        assert!(matches!(freshness.stamp(event), Stamp::Unheard { .. }));
        freshness.heard(Instant::now());
        assert!(matches!(freshness.stamp(event), Stamp::Heard { .. }));
        tokio::time::advance(TRUST).await;
        assert!(matches!(freshness.stamp(event), Stamp::Unheard { .. }));
        freshness.heard(Instant::now());
        freshness.deaf();
        assert!(matches!(freshness.stamp(event), Stamp::Unheard { .. }));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_made_while_nothing_is_heard_is_soon_out_of_date() {
        let freshness = Freshness::new();
        let event = Uuid::new_v4();
        let stamp = freshness.stamp(event);
        tokio::time::advance(UNHEARD_INTERVAL).await;
        assert_ne!(freshness.stamp(event), stamp);
    }
}
