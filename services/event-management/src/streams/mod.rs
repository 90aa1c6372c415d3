//! Streams of what happens to an event's seats, for those who look at them.
//!
//! However many listen to an event, one task of this process looks at it; what it sees is kept as a short [history], so
//! that each listener is told what changed since the state that he saw last, and a slow one skips what he missed.

mod history;
mod listener;
mod text;
mod watcher;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;
use futures::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{details::NoDetails, metrics::EventMetrics, page::Pages};
use listener::Listener;
pub(crate) use text::SeatChanges;
use watcher::Watched;

/// No more events than this are looked at for their listeners: each costs every store some calls a second, and its
/// history some memory.
const MOST_WATCHED_EVENTS: usize = 500;

/// Opens streams.
#[derive(Clone)]
pub(crate) struct Streams {
    inner: Arc<Inner>,
}

struct Inner {
    pages: Pages,
    watched: Mutex<HashMap<Uuid, Arc<Watched>>>,
    places: Arc<Semaphore>,
    /// Ends all streams.
    end: CancellationToken,
    metrics: Arc<EventMetrics>,
}

/// Why there is no stream.
pub(crate) enum Refused {
    /// As many are open as there may be.
    Full,
    /// There is nothing to be shown.
    NoDetails(NoDetails),
}

impl Streams {
    /// At most so many streams at a time, and none after `end`.
    pub(crate) fn new(pages: Pages, most: usize, end: CancellationToken, metrics: Arc<EventMetrics>) -> Self {
        let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { inner: Arc::new(Inner { pages, watched: Mutex::default(), places, end, metrics }) }
    }

    /// What happens to the event's seats, beginning with what `last_seen`, the id of an earlier piece, does not show.
    pub(crate) async fn open(
        &self,
        event: Uuid,
        last_seen: Option<&str>,
    ) -> Result<impl Stream<Item = Bytes> + use<>, Refused> {
        let place = Place::take(&self.inner).ok_or(Refused::Full)?;
        // As fresh as a page: the watcher's last look may be older than what the client saw on the page just before.
        let shown = self.inner.pages.now(event).await.map_err(Refused::NoDetails)?;
        let (watched, news) = self.watch(event).ok_or(Refused::Full)?;
        watched.saw(&shown);
        let listener = Listener::new(news, last_seen, self.inner.end.clone(), place);
        Ok(futures::stream::unfold(listener, async |mut listener| Some((listener.next().await?, listener))))
    }

    /// Joins those who listen to the event.
    fn watch(&self, event: Uuid) -> Option<(Arc<Watched>, watcher::News)> {
        let mut all = self.inner.watched();
        if let Some(watched) = all.get(&event) {
            return Some((Arc::clone(watched), watched.join()));
        }
        if all.len() >= MOST_WATCHED_EVENTS {
            // Those whose history is only kept for somebody who may come back.
            all.retain(|_, watched| watched.has_listeners());
        }
        if all.len() >= MOST_WATCHED_EVENTS {
            return None;
        }
        let watched = Arc::new(Watched::new());
        let news = watched.join();
        all.insert(event, Arc::clone(&watched));
        tokio::spawn(watcher::watch(Arc::clone(&self.inner), event, Arc::clone(&watched)));
        Some((watched, news))
    }
}

impl Inner {
    fn watched(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Watched>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the streams that may be open at a time.
struct Place {
    _permit: OwnedSemaphorePermit,
    metrics: Arc<EventMetrics>,
}

impl Place {
    fn take(inner: &Inner) -> Option<Self> {
        let permit = Arc::clone(&inner.places).try_acquire_owned().ok()?;
        inner.metrics.streams_open.inc();
        Some(Self { _permit: permit, metrics: Arc::clone(&inner.metrics) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.streams_open.dec();
    }
}
