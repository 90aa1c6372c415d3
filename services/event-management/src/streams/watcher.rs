//! The one task that looks at an event for all who listen to it.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::sleep,
};
use uuid::Uuid;

use super::{Inner, history::History};
use crate::{details::NoDetails, page::Shown};

/// A hold or sale shows within this time and the one a look takes.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// While a store is down, its return is noticed soon enough.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// How long the history waits, unlooked at, for the last listener to come back.
const LINGER: Duration = Duration::from_secs(30);

/// What listeners wait for.
pub(crate) type News = watch::Receiver<Seen>;

/// What is known of an event.
#[derive(Default)]
pub(crate) struct Seen {
    /// Of the look that the current state comes from, or a later one that found the same.
    number: u64,
    pub(crate) history: History,
    /// The event was deleted.
    pub(crate) gone: bool,
}

/// An event that somebody listens to.
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

    /// What a look found. An older look than the last changes nothing: nobody is shown a state that was over before the
    /// one that he saw.
    pub(crate) fn saw(&self, shown: &Shown) {
        self.seen.send_if_modified(|seen| {
            if shown.number <= seen.number {
                return false;
            }
            seen.number = shown.number;
            seen.history.push(&shown.rendering.state)
        });
    }

    fn gone(&self) {
        self.seen.send_modify(|seen| seen.gone = true);
    }
}

/// Looks at the event as long as somebody listens, and a little longer keeps what it saw.
pub(crate) async fn watch(inner: Arc<Inner>, event: Uuid, watched: Arc<Watched>) {
    let watching = async {
        let mut pause = LOOK_INTERVAL;
        loop {
            // Whoever joins has looked himself just before.
            sleep(pause).await;
            if !watched.has_listeners() && !somebody_comes_back(&inner, event, &watched).await {
                return;
            }
            pause = LOOK_INTERVAL;
            match inner.pages.now(event).await {
                Ok(shown) => watched.saw(&shown),
                Err(NoDetails::Missing) => {
                    inner.forget(event, &watched);
                    watched.gone();
                    return;
                }
                Err(NoDetails::Failed(_)) => pause = FAILURE_PAUSE,
            }
        }
    };
    tokio::select! {
        () = watching => {}
        () = inner.end.cancelled() => {}
    }
}

/// Waits for a listener. When none came in time the event is forgotten.
async fn somebody_comes_back(inner: &Inner, event: Uuid, watched: &Arc<Watched>) -> bool {
    let came = tokio::time::timeout(LINGER, async {
        while !watched.has_listeners() {
            watched.joined.notified().await;
        }
    });
    came.await.is_ok() || !inner.forget_unheard(event, watched)
}

impl Inner {
    /// Whoever joins from now on begins a watch of his own.
    fn forget(&self, event: Uuid, watched: &Arc<Watched>) {
        self.watched().retain(|of, kept| *of != event || !Arc::ptr_eq(kept, watched));
    }

    /// The same unless somebody has joined. Nobody can join in between: that takes the same lock.
    fn forget_unheard(&self, event: Uuid, watched: &Arc<Watched>) -> bool {
        let mut all = self.watched();
        let unheard = !watched.has_listeners();
        if unheard {
            all.retain(|of, kept| *of != event || !Arc::ptr_eq(kept, watched));
        }
        unheard
    }
}
