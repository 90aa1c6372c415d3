//! Streams of the changes of an event's seats.
//!
//! One task of this process reads an event for all clients that listen to it. It keeps the last states as a short
//! [history], so that each listener gets what changed since the state that it saw last, and a slow one skips the states
//! between.

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
use ids::EventId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

pub(crate) use self::text::SeatChanges;
use self::{listener::Listener, watcher::Watched};
use crate::{details::DetailsError, metrics::EventMetrics, page::Pages};

/// The most events that are watched for their listeners. Each costs every store some calls a second, and memory for its
/// history.
const MAX_WATCHED_EVENTS: usize = 500;

#[derive(Clone)]
pub(crate) struct Streams {
    inner: Arc<Inner>,
}

struct Inner {
    pages: Pages,
    watched: Mutex<HashMap<EventId, Arc<Watched>>>,
    places: Arc<Semaphore>,
    /// Is cancelled to end all streams.
    end: CancellationToken,
    metrics: Arc<EventMetrics>,
}

/// Why a stream was not opened.
pub(crate) enum OpenError {
    /// No more streams may be open.
    Full,
    /// The event cannot be shown.
    Details(DetailsError),
}

impl Streams {
    /// Allows at most `max` streams at a time, and none after `end`.
    pub(crate) fn new(pages: Pages, max: usize, end: CancellationToken, metrics: Arc<EventMetrics>) -> Self {
        let places = Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)));
        Self { inner: Arc::new(Inner { pages, watched: Mutex::default(), places, end, metrics }) }
    }

    /// Streams the changes of the event's seats since `last_seen`, the id of an earlier message.
    pub(crate) async fn open(
        &self,
        event: EventId,
        last_seen: Option<&str>,
    ) -> Result<impl Stream<Item = Bytes> + use<>, OpenError> {
        let place = Place::take(&self.inner).ok_or(OpenError::Full)?;
        // The stream must be as fresh as a page: the watcher's last read may be older than the page that the client has
        // just seen.
        let page = self.inner.pages.now(event).await.map_err(OpenError::Details)?;
        let (watched, news) = self.watch(event).ok_or(OpenError::Full)?;
        watched.found(&page);
        let listener = Listener::new(news, last_seen, self.inner.end.clone(), place);
        Ok(futures::stream::unfold(listener, async |mut listener| Some((listener.next().await?, listener))))
    }

    /// Subscribes to the event, which is watched from now on.
    fn watch(&self, event: EventId) -> Option<(Arc<Watched>, watcher::News)> {
        let mut all = self.inner.watched();
        if let Some(watched) = all.get(&event) {
            return Some((Arc::clone(watched), watched.join()));
        }
        if all.len() >= MAX_WATCHED_EVENTS {
            // Events without listeners keep their history only for a client that may come back.
            all.retain(|_, watched| watched.has_listeners());
        }
        if all.len() >= MAX_WATCHED_EVENTS {
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
    fn watched(&self) -> MutexGuard<'_, HashMap<EventId, Arc<Watched>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one open stream. It ends when it is dropped.
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
