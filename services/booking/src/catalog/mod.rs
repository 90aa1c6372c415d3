//! What PostgreSQL says about tickets.

mod reader;
mod remembered;
mod ticket;

use std::{sync::Arc, time::Duration};

use kit::postgres::Pool;
use uuid::Uuid;

pub(crate) use self::ticket::State;
use self::{
    reader::{ReadError, Reader, Tickets},
    remembered::Remembered,
};

/// Tickets whose event is remembered: those of the largest stadium, some 80 bytes each.
const REMEMBERED_TICKETS: usize = 100_000;
/// A ticket hardly ever moves to another event. What is remembered only picks the key in Redis: each reservation and each
/// sale is judged by PostgreSQL's row.
const REMEMBERED_FOR: Duration = Duration::from_mins(5);
/// Tickets that are remembered as sold.
const SOLD_TICKETS: usize = 20_000;
/// For so long a ticket that PostgreSQL called sold is refused without asking again. Crowds ask for what is sold out, and
/// a ticket set back by hand may take this long to be had.
const SOLD_FOR: Duration = Duration::from_secs(1);
/// Tickets of one event that are read ahead: who asks for one is followed by those who ask for the others.
const READ_AHEAD: i64 = 5_000;
/// Events whose tickets were read ahead.
const READ_AHEAD_EVENTS: usize = 1_000;

/// Reads tickets, and remembers what does not decide anything. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Catalog {
    postgres: Pool,
    reader: Reader,
    events: Arc<Remembered<Uuid, Arc<str>>>,
    read_ahead: Arc<Remembered<Arc<str>, ()>>,
    sold: Arc<Remembered<Uuid, ()>>,
}

impl Catalog {
    /// A catalog that remembers nothing yet. To be made within a runtime.
    #[must_use]
    pub(crate) fn new(postgres: Pool) -> Self {
        Self {
            reader: Reader::start(postgres.clone()),
            postgres,
            events: Arc::new(Remembered::new(REMEMBERED_TICKETS, REMEMBERED_FOR)),
            read_ahead: Arc::new(Remembered::new(READ_AHEAD_EVENTS, REMEMBERED_FOR)),
            sold: Arc::new(Remembered::new(SOLD_TICKETS, SOLD_FOR)),
        }
    }

    /// The tickets as they are now, perhaps with others. One that is not in the answer does not exist.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub(crate) async fn read(&self, tickets: &[Uuid]) -> Result<Tickets, ReadError> {
        let found = self.reader.read(tickets).await?;
        for ticket in tickets {
            match found.get(ticket) {
                // Writes only what is new: most reads find what is remembered already.
                Some(found) if self.events.get(ticket).as_ref() == Some(&found.event_uuid) => {}
                Some(found) => self.events.insert(*ticket, Arc::clone(&found.event_uuid)),
                None => self.events.remove(ticket),
            }
        }
        Ok(found)
    }

    /// The event that a ticket belongs to; `None` when there is no such ticket.
    ///
    /// # Errors
    /// When PostgreSQL has to be asked and does not answer.
    pub(crate) async fn event_of(&self, ticket: Uuid) -> Result<Option<Arc<str>>, ReadError> {
        if let Some(event_uuid) = self.events.get(&ticket) {
            return Ok(Some(event_uuid));
        }
        let event_uuid = self.read(&[ticket]).await?.get(&ticket).map(|ticket| Arc::clone(&ticket.event_uuid));
        if let Some(event_uuid) = &event_uuid
            && self.read_ahead.get(event_uuid).is_none()
        {
            self.read_ahead.insert(Arc::clone(event_uuid), ());
            tokio::spawn(self.clone().read_ahead(Arc::clone(event_uuid)));
        }
        Ok(event_uuid)
    }

    /// Nobody waits for it: should it fail, each ticket is read when it is asked for.
    async fn read_ahead(self, event_uuid: Arc<str>) {
        let tickets: sqlx::Result<Vec<String>> = sqlx::query_scalar(
            "SELECT uuid FROM tickets WHERE event_id = (SELECT id FROM events WHERE uuid = $1) LIMIT $2",
        )
        .bind(&*event_uuid)
        .bind(READ_AHEAD)
        .fetch_all(&self.postgres)
        .await;
        match tickets {
            Ok(tickets) => {
                for ticket in tickets.iter().filter_map(|ticket| ticket.parse().ok()) {
                    self.events.insert(ticket, Arc::clone(&event_uuid));
                }
            }
            Err(error) => tracing::debug!(%error, %event_uuid, "the event's tickets were not read ahead"),
        }
    }

    /// Whether PostgreSQL has called the ticket sold within the last second, or does now.
    ///
    /// # Errors
    /// When PostgreSQL has to be asked and does not answer.
    pub(crate) async fn is_sold(&self, ticket: Uuid) -> Result<bool, ReadError> {
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
