//! The page of an event at this moment, made once for all who ask for it in the same moment.

mod json;
mod rendering;
mod template;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kit::error::ApiError;
use moka::future::Cache;
use uuid::Uuid;

pub(crate) use json::EventPage;
pub(crate) use rendering::{Rendering, SeatState};
pub(crate) use template::Template;

use crate::{
    details::{Details, NoDetails},
    metrics::EventMetrics,
    seats::Seats,
    turns::Turns,
};

/// More events than this are not looked at in the same moment.
const MOST_TURNS: u64 = 10_000;
/// A turn is of use while several ask at once.
const TURN_LIFETIME: Duration = Duration::from_secs(1);

/// Shows events.
#[derive(Clone)]
pub(crate) struct Pages {
    turns: Cache<Uuid, Arc<Turns<Answer>>>,
    reader: Arc<Reader>,
}

type Answer = Result<Shown, NoDetails>;

/// What a look at an event found.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// Of two looks at an event, the one with the higher number began later.
    pub(crate) number: u64,
    pub(crate) rendering: Arc<Rendering>,
}

impl Pages {
    pub(crate) fn new(details: Details, seats: Seats, metrics: Arc<EventMetrics>) -> Self {
        Self {
            turns: Cache::builder().max_capacity(MOST_TURNS).time_to_idle(TURN_LIFETIME).build(),
            reader: Arc::new(Reader { details, seats, metrics, looks: AtomicU64::default() }),
        }
    }

    /// The page now: everything on it was read after this was called, though perhaps for several who ask at once.
    pub(crate) async fn now(&self, event: Uuid) -> Answer {
        let _waiting = Waiting::begin(&self.reader.metrics);
        let turns = self.turns.get_with(event, async { Arc::default() }).await;
        let reader = Arc::clone(&self.reader);
        let look = move || {
            let reader = Arc::clone(&reader);
            async move { reader.look(event).await }
        };
        // A panic in there has been reported by itself.
        turns.take(look).await.unwrap_or(Err(NoDetails::Failed(ApiError::internal())))
    }
}

/// What a look at an event needs.
struct Reader {
    details: Details,
    seats: Seats,
    metrics: Arc<EventMetrics>,
    looks: AtomicU64,
}

impl Reader {
    async fn look(&self, event: Uuid) -> Answer {
        let number = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
        let template = self.details.of(event).await?;
        let statuses = self.seats.read(template.event_id, event, &template.tickets).await;
        let statuses = statuses.map_err(|error| NoDetails::Failed(error.into()))?;
        let rendering = template.rendered_last(&statuses).unwrap_or_else(|| {
            self.metrics.renderings_plain.inc();
            template.render(statuses)
        });
        Ok(Shown { number, rendering })
    }
}

/// Counts those who wait, also when they give up.
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
