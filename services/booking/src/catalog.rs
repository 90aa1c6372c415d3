//! What PostgreSQL says about a ticket.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use sqlx::PgPool;
use uuid::Uuid;

/// Tickets whose event is remembered; some 200 bytes each.
const REMEMBERED_TICKETS: u64 = 50_000;
/// A ticket hardly ever moves to another event. What is remembered only picks the key in Redis: each reservation and each
/// sale is judged by PostgreSQL's row.
const REMEMBERED_FOR: Duration = Duration::from_mins(5);
/// For so long a ticket that PostgreSQL called sold is refused without asking again. Crowds ask for what is sold out, and
/// a ticket set back by hand may take this long to be had.
const SOLD_FOR: Duration = Duration::from_secs(1);

/// Reads tickets, and remembers what does not decide anything.
#[derive(Clone)]
pub struct Catalog {
    postgres: PgPool,
    events: Cache<Uuid, Arc<str>>,
    sold: Cache<Uuid, ()>,
}

/// A ticket as it stands in PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its event.
    pub event_uuid: Arc<str>,
    /// Whether it can be had.
    pub state: State,
}

/// Whether a ticket can be had, as far as PostgreSQL knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Unless somebody holds it.
    Available,
    /// It was sold.
    Sold,
    /// Its event has begun.
    Over,
}

impl Catalog {
    /// A catalog that remembers nothing yet.
    #[must_use]
    pub fn new(postgres: PgPool) -> Self {
        Self {
            postgres,
            events: Cache::builder().max_capacity(REMEMBERED_TICKETS).time_to_live(REMEMBERED_FOR).build(),
            sold: Cache::builder().max_capacity(REMEMBERED_TICKETS).time_to_live(SOLD_FOR).build(),
        }
    }

    /// The ticket as it is now; `None` when there is no such ticket.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn read(&self, ticket: Uuid) -> sqlx::Result<Option<Ticket>> {
        let row: Option<(String, String, bool)> = sqlx::query_as(
            "SELECT events.uuid, tickets.status, events.date < now()
             FROM tickets JOIN events ON events.id = tickets.event_id
             WHERE tickets.uuid = $1",
        )
        .bind(ticket.to_string())
        .fetch_optional(&self.postgres)
        .await?;
        let Some((event_uuid, status, over)) = row else {
            self.events.invalidate(&ticket).await;
            return Ok(None);
        };
        let event_uuid: Arc<str> = event_uuid.into();
        self.events.insert(ticket, Arc::clone(&event_uuid)).await;
        let state = match (status.as_str(), over) {
            ("available", false) => State::Available,
            ("available", true) => State::Over,
            _ => State::Sold,
        };
        Ok(Some(Ticket { event_uuid, state }))
    }

    /// The event that a ticket belongs to; `None` when there is no such ticket.
    ///
    /// # Errors
    /// When PostgreSQL has to be asked and does not answer.
    pub async fn event_of(&self, ticket: Uuid) -> sqlx::Result<Option<Arc<str>>> {
        if let Some(event_uuid) = self.events.get(&ticket).await {
            return Ok(Some(event_uuid));
        }
        Ok(self.read(ticket).await?.map(|ticket| ticket.event_uuid))
    }

    /// Whether PostgreSQL has called the ticket sold within the last second, or does now.
    ///
    /// # Errors
    /// When PostgreSQL has to be asked and does not answer.
    pub async fn is_sold(&self, ticket: Uuid) -> sqlx::Result<bool> {
        if self.sold.contains_key(&ticket) {
            return Ok(true);
        }
        let sold = self.read(ticket).await?.is_some_and(|ticket| ticket.state == State::Sold);
        if sold {
            self.sold.insert(ticket, ()).await;
        }
        Ok(sold)
    }
}
