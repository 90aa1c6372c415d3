//! The last states of an event's seats. A listener that saw one of them gets what changed since.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use axum::body::Bytes;

use super::text;
use crate::{page::SeatState, tickets::TicketStatus};

/// The most states. A client that reconnects after some seconds of an on-sale, when every read finds changes, still
/// finds its state.
const MAX_STATES: usize = 64;
/// The most memory for statuses. Very large events keep fewer states, so that many of them can be watched.
const MAX_BYTES: usize = 64 << 10;

/// An earlier state of the same tickets as the current one.
#[derive(Debug, Clone)]
struct Earlier {
    id: Arc<str>,
    statuses: Arc<[TicketStatus]>,
}

#[derive(Debug, Default)]
pub(crate) struct History {
    earlier: VecDeque<Earlier>,
    current: Option<Arc<Current>>,
}

/// The current state, and the texts about it that many listeners get.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) state: Arc<SeatState>,
    before: Option<Earlier>,
    snapshot: OnceLock<Bytes>,
    step: OnceLock<Bytes>,
}

impl History {
    /// Adds the state now, and returns whether it differs from the one before.
    pub(crate) fn push(&mut self, state: &Arc<SeatState>) -> bool {
        let before = match &self.current {
            Some(current) if current.state.id == state.id => return false,
            Some(current) if same_tickets(&current.state, state) => {
                Some(Earlier { id: current.state.id.clone(), statuses: current.state.statuses.clone() })
            }
            _ => None,
        };
        match &before {
            Some(before) => {
                let max = (MAX_BYTES / state.statuses.len().max(1)).clamp(2, MAX_STATES);
                self.earlier.push_back(before.clone());
                while self.earlier.len() > max {
                    self.earlier.pop_front();
                }
            }
            // States of other tickets cannot be compared with this one.
            None => self.earlier.clear(),
        }
        let current = Current { state: state.clone(), before, snapshot: OnceLock::new(), step: OnceLock::new() };
        self.current = Some(Arc::new(current));
        true
    }

    pub(crate) fn current(&self) -> Option<Arc<Current>> {
        self.current.clone()
    }

    /// What changed since the state with this id: `Some(None)` when nothing changed, `None` when the state is not
    /// known.
    pub(crate) fn since(&self, id: &str) -> Option<Option<Bytes>> {
        let current = self.current.as_ref()?;
        if *current.state.id == *id {
            return Some(None);
        }
        let earlier = self.earlier.iter().rev().find(|earlier| *earlier.id == *id)?;
        Some(Some(text::changes(&earlier.statuses, &current.state)))
    }
}

impl Current {
    /// The text with all seats.
    pub(crate) fn snapshot(&self) -> Bytes {
        self.snapshot.get_or_init(|| text::snapshot(&self.state)).clone()
    }

    /// The text for a listener that saw `seen` last, and `None` when nothing changed since.
    pub(crate) fn since(&self, seen: &SeatState) -> Option<Bytes> {
        if seen.id == self.state.id {
            return None;
        }
        Some(match &self.before {
            Some(before) if before.id == seen.id => {
                self.step.get_or_init(|| text::changes(&before.statuses, &self.state)).clone()
            }
            _ if same_tickets(seen, &self.state) => text::changes(&seen.statuses, &self.state),
            _ => self.snapshot(),
        })
    }
}

fn same_tickets(one: &SeatState, other: &SeatState) -> bool {
    Arc::ptr_eq(&one.tickets, &other.tickets) || one.tickets.digest() == other.tickets.digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tickets::{
        TicketStatus::{Available, Booked, Reserved},
        Tickets,
        tests::given_tickets,
    };

    fn state(tickets: &Arc<Tickets>, statuses: &[TicketStatus]) -> Arc<SeatState> {
        Arc::new(SeatState::new(Arc::clone(tickets), statuses.into()))
    }

    fn data(text: &Bytes) -> String {
        let text = std::str::from_utf8(text).unwrap();
        text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned()
    }

    const ONE_BOOKED: &str = r#"{"tickets":[{"uuid":"00000000-0000-0000-0000-000000000001","status":"booked"}]}"#;

    #[test]
    fn a_listener_gets_what_changed_since_an_earlier_state() {
        let (seats, mut history) = (Arc::new(given_tickets(2)), History::default());
        let seen = state(&seats, &[Available, Available]);
        assert!(history.push(&seen));
        assert!(!history.push(&state(&seats, &[Available, Available])), "nothing changed");
        assert!(history.push(&state(&seats, &[Reserved, Reserved])));
        assert!(history.push(&state(&seats, &[Booked, Available])));
        assert_eq!(data(&history.since(&seen.id).unwrap().unwrap()), ONE_BOOKED);
        assert_eq!(data(&history.current().unwrap().since(&seen).unwrap()), ONE_BOOKED);
        let current = history.current().unwrap().state.clone();
        assert_eq!(history.since(&current.id), Some(None));
        assert_eq!(history.current().unwrap().since(&current), None);
    }

    #[test]
    fn nothing_can_be_said_since_an_unknown_state() {
        let (seats, mut history) = (Arc::new(given_tickets(1)), History::default());
        assert_eq!(history.since("x"), None);
        history.push(&state(&seats, &[Available]));
        assert_eq!(history.since("x"), None);
    }

    #[test]
    fn other_tickets_begin_another_history() {
        let (before, after, mut history) = (Arc::new(given_tickets(1)), Arc::new(given_tickets(2)), History::default());
        let seen = state(&before, &[Available]);
        history.push(&seen);
        history.push(&state(&after, &[Available, Available]));
        assert_eq!(history.since(&seen.id), None);
        let current = history.current().unwrap();
        assert_eq!(current.since(&seen), Some(current.snapshot()));
    }

    #[test]
    fn a_history_does_not_grow_without_end() {
        let (seats, mut history) = (Arc::new(given_tickets(10_000)), History::default());
        let mut statuses = vec![Available; 10_000];
        for place in 0..100 {
            statuses[place] = Booked;
            history.push(&state(&seats, &statuses));
        }
        assert!(history.earlier.len() * statuses.len() <= MAX_BYTES);
    }
}
