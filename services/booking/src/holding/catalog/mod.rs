//! What PostgreSQL says about tickets, read in batches and remembered where it decides nothing.

mod reader;
mod remembered;
mod ticket;

use std::{sync::Arc, time::Duration};

use ids::{EventId, TicketId};
use kit::postgres::Pool;

use self::{
    reader::{ReadError, Reader, Tickets},
    remembered::Remembered,
    ticket::State,
};

/// How many tickets have their event remembered: those of the largest stadium, at some 80 bytes each.
const REMEMBERED_TICKETS: usize = 100_000;
/// A ticket hardly ever moves to another event. The remembered event only picks the key in Redis: PostgreSQL's row
/// decides each reservation and each sale.
const REMEMBERED_FOR: Duration = Duration::from_mins(5);
/// How many tickets are remembered as sold.
const SOLD_TICKETS: usize = 20_000;
/// How long a ticket that PostgreSQL called sold is refused without asking again, because crowds ask for what is sold
/// out. A ticket that is made available by hand cannot be held before this time is over.
const SOLD_FOR: Duration = Duration::from_secs(1);
/// How many tickets of an event are read ahead: a request for one is followed by requests for the others.
const READ_AHEAD: i64 = 5_000;
/// How many events are remembered as read ahead.
const READ_AHEAD_EVENTS: usize = 1_000;

/// Reads tickets, and remembers what decides nothing. Clones share what is remembered.
#[derive(Clone)]
pub(crate) struct Catalog {
    postgres: Pool,
    reader: Reader,
    events: Arc<Remembered<TicketId, EventId>>,
    read_ahead: Arc<Remembered<EventId, ()>>,
    sold: Arc<Remembered<TicketId, ()>>,
}

impl Catalog {
    /// A catalog that remembers nothing yet. To be made within a runtime.
    pub(crate) fn new(postgres: Pool) -> Self {
        Self {
            reader: Reader::start(postgres.clone()),
            postgres,
            events: Arc::new(Remembered::new(REMEMBERED_TICKETS, REMEMBERED_FOR)),
            read_ahead: Arc::new(Remembered::new(READ_AHEAD_EVENTS, REMEMBERED_FOR)),
            sold: Arc::new(Remembered::new(SOLD_TICKETS, SOLD_FOR)),
        }
    }

    /// The tickets as they are now, perhaps with others. A ticket that is not in the answer does not exist.
    pub(crate) async fn read(&self, tickets: &[TicketId]) -> Result<Tickets, ReadError> {
        let found = self.reader.read(tickets).await?;
        for ticket in tickets {
            match found.get(ticket) {
                // Only what is new is written: most reads find what is remembered already.
                Some(found) if self.events.get(ticket) == Some(found.event) => {}
                Some(found) => self.events.insert(*ticket, found.event),
                None => self.events.remove(ticket),
            }
        }
        Ok(found)
    }

    /// The event that a ticket belongs to; `None` when there is no such ticket.
    pub(crate) async fn event_of(&self, ticket: TicketId) -> Result<Option<EventId>, ReadError> {
        if let Some(event) = self.events.get(&ticket) {
            return Ok(Some(event));
        }
        let event = self.read(&[ticket]).await?.get(&ticket).map(|ticket| ticket.event);
        if let Some(event) = event
            && self.read_ahead.get(&event).is_none()
        {
            self.read_ahead.insert(event, ());
            tokio::spawn(self.clone().read_ahead(event));
        }
        Ok(event)
    }

    /// Nobody waits for this. If it fails, each ticket is read when it is asked for.
    async fn read_ahead(self, event: EventId) {
        let tickets: sqlx::Result<Vec<TicketId>> = sqlx::query_scalar(
            "SELECT uuid FROM tickets WHERE event_id = (SELECT id FROM events WHERE uuid = $1) LIMIT $2",
        )
        .bind(event)
        .bind(READ_AHEAD)
        .fetch_all(&self.postgres)
        .await;
        match tickets {
            Ok(tickets) => {
                for ticket in tickets {
                    self.events.insert(ticket, event);
                }
            }
            Err(error) => tracing::debug!(%error, %event, "the event's tickets were not read ahead"),
        }
    }

    /// Whether PostgreSQL called the ticket sold within the last second, or does now.
    pub(crate) async fn is_sold(&self, ticket: TicketId) -> Result<bool, ReadError> {
        if self.sold.get(&ticket).is_some() {
            return Ok(true);
        }
        let sold = self.read(&[ticket]).await?.get(&ticket).is_some_and(|ticket| ticket.state == State::Sold);
        if sold {
            self.sold.insert(ticket, ());
        }
        Ok(sold)
    }
}
