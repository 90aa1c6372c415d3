//! The stream of one client.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::body::Bytes;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Place, text, watcher::News};
use crate::page::SeatState;

/// The pause after which a sign of life is sent. Proxies close a connection that is idle for a minute, some after half
/// of it.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// Makes the messages for one client. It keeps only the state that the client saw last: a client that reads slowly gets
/// the difference to the latest state when it is ready to read.
pub(crate) struct Listener {
    first: VecDeque<Bytes>,
    news: News,
    seen: Option<Arc<SeatState>>,
    end: CancellationToken,
    ended: bool,
    _place: Place,
}

impl Listener {
    /// The history must have a current state. The client has seen it when it has read the first messages.
    pub(crate) fn new(mut news: News, last_seen: Option<&str>, end: CancellationToken, place: Place) -> Self {
        let mut first = VecDeque::from([text::retry()]);
        let seen = {
            let seen = news.borrow_and_update();
            let current = seen.history.current();
            match last_seen.and_then(|id| seen.history.since(id)) {
                Some(changes) => first.extend(changes),
                None => first.extend(current.as_ref().map(|current| current.snapshot())),
            }
            current.map(|current| Arc::clone(&current.state))
        };
        // The event may have been deleted just before.
        news.mark_changed();
        Self { first, news, seen, end, ended: false, _place: place }
    }

    /// Waits for the next message. It is `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.pop_front() {
            return Some(first);
        }
        if self.ended {
            return None;
        }
        let (end, news) = (self.end.clone(), async {
            loop {
                // This fails when the watcher is gone, as at the end of the process.
                self.news.changed().await.ok()?;
                if let Some(text) = self.message() {
                    return Some(text);
                }
            }
        });
        tokio::select! {
            biased;
            () = end.cancelled() => None,
            text = news => text,
            () = sleep(HEARTBEAT_INTERVAL) => Some(text::HEARTBEAT),
        }
    }

    fn message(&mut self) -> Option<Bytes> {
        let (current, gone) = {
            let seen = self.news.borrow_and_update();
            (seen.history.current(), seen.gone)
        };
        if gone {
            self.ended = true;
            return Some(text::END);
        }
        let current = current?;
        let text = match &self.seen {
            Some(seen) => current.since(seen)?,
            None => current.snapshot(),
        };
        self.seen = Some(Arc::clone(&current.state));
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use kit::metrics::Metrics;
    use tokio::{
        sync::{Semaphore, watch},
        time::Instant,
    };

    use super::{super::watcher::Seen, *};
    use crate::{
        metrics::EventMetrics,
        tickets::{
            TicketStatus::{self, Available, Booked, Reserved},
            Tickets,
            tests::given_tickets,
        },
    };

    /// What a watcher saw, and the clients that listen.
    struct Stage {
        tickets: Arc<Tickets>,
        seen: watch::Sender<Seen>,
        end: CancellationToken,
    }

    impl Stage {
        fn with_seats(statuses: &[TicketStatus]) -> Self {
            let stage = Self {
                tickets: Arc::new(given_tickets(statuses.len())),
                seen: watch::Sender::default(),
                end: CancellationToken::new(),
            };
            stage.becomes(statuses);
            stage
        }

        fn becomes(&self, statuses: &[TicketStatus]) {
            let state = Arc::new(SeatState::new(Arc::clone(&self.tickets), statuses.into()));
            self.seen.send_if_modified(|seen| seen.history.push(&state));
        }

        /// A listener that has read the first messages.
        async fn listener(&self) -> Listener {
            let metrics = Arc::new(EventMetrics::register(&Metrics::new().unwrap()).unwrap());
            let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
            let place = Place { _permit: permit, metrics };
            let mut listener = Listener::new(self.seen.subscribe(), None, self.end.clone(), place);
            assert!(listener.next().await.unwrap().starts_with(b"retry: "));
            assert!(listener.next().await.unwrap().starts_with(b"event: snapshot\n"));
            listener
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_on_which_nothing_happens_gives_a_sign_of_life() {
        let stage = Stage::with_seats(&[Available]);
        let mut listener = stage.listener().await;
        let started = Instant::now();
        assert_eq!(listener.next().await.unwrap(), text::HEARTBEAT);
        assert_eq!(started.elapsed(), HEARTBEAT_INTERVAL);
    }

    #[tokio::test]
    async fn a_slow_listener_gets_only_the_latest_state() {
        let stage = Stage::with_seats(&[Available, Available]);
        let mut listener = stage.listener().await;
        stage.becomes(&[Reserved, Available]);
        stage.becomes(&[Reserved, Reserved]);
        stage.becomes(&[Available, Booked]);
        let text = listener.next().await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert_eq!(text.matches("status").count(), 1, "{text}");
        assert!(text.contains("booked"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_does_not_hear_of_a_change_that_was_undone() {
        let stage = Stage::with_seats(&[Available]);
        let mut listener = stage.listener().await;
        stage.becomes(&[Reserved]);
        stage.becomes(&[Available]);
        assert_eq!(listener.next().await.unwrap(), text::HEARTBEAT);
    }

    #[tokio::test]
    async fn the_server_ends_a_stream_at_once_and_a_deleted_event_after_a_message() {
        let stage = Stage::with_seats(&[Available]);
        let (mut one, mut other) = (stage.listener().await, stage.listener().await);
        stage.seen.send_modify(|seen| seen.gone = true);
        assert_eq!(one.next().await.unwrap(), text::END);
        assert_eq!(one.next().await, None);
        stage.end.cancel();
        assert_eq!(other.next().await, None);
    }
}
