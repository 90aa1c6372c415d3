//! The task that reads an event for all clients that listen to it.

use std::{sync::Arc, time::Duration};

use ids::EventId;
use tokio::{
    sync::{Notify, watch},
    time::sleep,
};

use super::{Inner, history::History};
use crate::{details::DetailsError, page::PageNow};

/// The pause between two reads. A hold or sale shows within this time and the time of a read.
const READ_INTERVAL: Duration = Duration::from_millis(250);
/// The pause after a read that failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// How long the history is kept for a listener that may come back.
const LINGER: Duration = Duration::from_secs(30);

/// Tells a listener when something changes.
pub(crate) type News = watch::Receiver<Seen>;

/// What the watcher knows of an event.
#[derive(Default)]
pub(crate) struct Seen {
    /// The number of the read that the current state comes from, or of a later read that found the same.
    number: u64,
    pub(crate) history: History,
    /// Whether the event was deleted.
    pub(crate) gone: bool,
}

/// An event that is watched.
pub(crate) struct Watched {
    seen: watch::Sender<Seen>,
    joined: Notify,
}

impl Watched {
    pub(crate) fn new() -> Self {
        Self { seen: watch::Sender::default(), joined: Notify::new() }
    }

    pub(crate) fn join(&self) -> News {
        let news = self.seen.subscribe();
        self.joined.notify_one();
        news
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.seen.receiver_count() > 0
    }

    /// Notes what a read found. A read that is older than the last one changes nothing: no listener may get a state
    /// that was over before the one it saw.
    pub(crate) fn found(&self, page: &PageNow) {
        self.seen.send_if_modified(|seen| {
            if page.number <= seen.number {
                return false;
            }
            seen.number = page.number;
            seen.history.push(&page.rendering.state)
        });
    }

    fn gone(&self) {
        self.seen.send_modify(|seen| seen.gone = true);
    }
}

/// Reads the event as long as it has listeners, and keeps its history a little longer.
pub(crate) async fn watch(inner: Arc<Inner>, event: EventId, watched: Arc<Watched>) {
    let watching = async {
        let mut pause = READ_INTERVAL;
        loop {
            // A listener that joins has read the page just before.
            sleep(pause).await;
            if !watched.has_listeners() && !a_listener_comes_back(&inner, event, &watched).await {
                return;
            }
            pause = READ_INTERVAL;
            match inner.pages.now(event).await {
                Ok(page) => watched.found(&page),
                Err(DetailsError::Missing) => {
                    inner.forget(event, &watched);
                    watched.gone();
                    return;
                }
                Err(DetailsError::Unavailable | DetailsError::Internal) => pause = FAILURE_PAUSE,
            }
        }
    };
    tokio::select! {
        () = watching => {}
        () = inner.end.cancelled() => {}
    }
}

/// Waits for a listener. When none comes in time, the event is forgotten.
async fn a_listener_comes_back(inner: &Inner, event: EventId, watched: &Arc<Watched>) -> bool {
    let came = tokio::time::timeout(LINGER, async {
        while !watched.has_listeners() {
            watched.joined.notified().await;
        }
    });
    came.await.is_ok() || !inner.forget_without_listeners(event, watched)
}

impl Inner {
    /// Forgets the event. A listener that joins from now on starts another watcher.
    fn forget(&self, event: EventId, watched: &Arc<Watched>) {
        self.watched().retain(|of, kept| *of != event || !Arc::ptr_eq(kept, watched));
    }

    /// The same, unless a listener has joined. None can join in between, because joining takes the same lock.
    fn forget_without_listeners(&self, event: EventId, watched: &Arc<Watched>) -> bool {
        let mut all = self.watched();
        let without_listeners = !watched.has_listeners();
        if without_listeners {
            all.retain(|of, kept| *of != event || !Arc::ptr_eq(kept, watched));
        }
        without_listeners
    }
}
