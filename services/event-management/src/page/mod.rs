//! The page of an event at this moment. Requests that ask for it at the same moment share one.

mod json;
mod rendering;
mod template;
mod templates;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ids::EventId;
use moka::future::Cache;

pub(crate) use self::{
    json::EventPage,
    rendering::{Rendering, SeatState},
    templates::Templates,
};
use crate::{details::DetailsError, metrics::EventMetrics, seats::Seats, turns::Turns};

/// The most events whose requests are coalesced at the same moment.
const MAX_EVENTS: u64 = 10_000;
/// How long the turns of an event are kept after the last request: they are of use while several requests come at once.
const TURNS_IDLE_TIME: Duration = Duration::from_secs(1);

/// Makes the pages of events.
#[derive(Clone)]
pub(crate) struct Pages {
    turns: Cache<EventId, Arc<Turns<Answer>>>,
    reader: Arc<Reader>,
}

type Answer = Result<PageNow, DetailsError>;

/// The page as one read found it.
#[derive(Debug, Clone)]
pub(crate) struct PageNow {
    /// Of two reads of an event, the one with the higher number began later.
    pub(crate) number: u64,
    pub(crate) rendering: Arc<Rendering>,
}

impl Pages {
    pub(crate) fn new(templates: Arc<Templates>, seats: Seats, metrics: Arc<EventMetrics>) -> Self {
        Self {
            turns: Cache::builder().max_capacity(MAX_EVENTS).time_to_idle(TURNS_IDLE_TIME).build(),
            reader: Arc::new(Reader { templates, seats, metrics, reads: AtomicU64::default() }),
        }
    }

    /// The page now. Everything on it was read after this call, perhaps by a read that several requests share.
    pub(crate) async fn now(&self, event: EventId) -> Answer {
        let _waiting = Waiting::begin(&self.reader.metrics);
        let turns = self.turns.get_with(event, async { Arc::default() }).await;
        let reader = Arc::clone(&self.reader);
        let read = move || {
            let reader = Arc::clone(&reader);
            async move { reader.read(event).await }
        };
        // There is no answer when the read panicked. The panic has been reported already.
        turns.take(read).await.unwrap_or(Err(DetailsError::Internal))
    }
}

struct Reader {
    templates: Arc<Templates>,
    seats: Seats,
    metrics: Arc<EventMetrics>,
    reads: AtomicU64,
}

impl Reader {
    async fn read(&self, event: EventId) -> Answer {
        let number = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        let template = self.templates.of(event).await?;
        let statuses = self.seats.read(template.event_id, event, &template.tickets).await?;
        let rendering = template.rendered_last(&statuses).unwrap_or_else(|| {
            self.metrics.renderings_plain.inc();
            template.render(statuses)
        });
        Ok(PageNow { number, rendering })
    }
}

/// Counts a request as waiting until it is dropped, so also one that is given up.
struct Waiting<'a>(&'a EventMetrics);

impl<'a> Waiting<'a> {
    fn begin(metrics: &'a EventMetrics) -> Self {
        metrics.waiting.inc();
        Self(metrics)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.dec();
    }
}
