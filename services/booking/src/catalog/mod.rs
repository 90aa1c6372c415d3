//! What PostgreSQL says about tickets.

use std::{collections::HashMap, sync::Arc, time::Duration};

use moka::future::Cache;
use sqlx::PgPool;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::failure::Refusal;

/// Tickets whose event is remembered; some 200 bytes each.
const REMEMBERED_TICKETS: u64 = 50_000;
/// A ticket hardly ever moves to another event. What is remembered only picks the key in Redis: each reservation and each
/// sale is judged by PostgreSQL's row.
const REMEMBERED_FOR: Duration = Duration::from_mins(5);
/// For so long a ticket that PostgreSQL called sold is refused without asking again. Crowds ask for what is sold out, and
/// a ticket set back by hand may take this long to be had.
const SOLD_FOR: Duration = Duration::from_secs(1);
/// Tickets of one event that are read ahead: who asks for one is followed by those who ask for the others.
const READ_AHEAD: i64 = 5_000;
/// How long to wait for somebody else's reading ahead before the ticket is read alone.
const READ_AHEAD_WAIT: Duration = Duration::from_millis(250);

/// Reads tickets, and remembers what does not decide anything.
#[derive(Clone)]
pub struct Catalog {
    postgres: PgPool,
    events: Cache<Uuid, Arc<str>>,
    reading_ahead: Arc<Mutex<()>>,
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
    /// Its event was cancelled.
    Cancelled,
    /// The sale has not begun.
    NotOnSale,
    /// The sale has ended.
    SaleEnded,
}

impl State {
    /// Why the ticket cannot be had. A sale's begin and end concern those who do not hold it yet: who has it may pay.
    #[must_use]
    pub fn refusal(self, held_before: bool) -> Option<Refusal> {
        match self {
            Self::Available => None,
            Self::Sold => Some(Refusal::Sold),
            Self::Over => Some(Refusal::Over),
            Self::Cancelled => Some(Refusal::Cancelled),
            Self::NotOnSale | Self::SaleEnded if held_before => None,
            Self::NotOnSale => Some(Refusal::NotOnSale),
            Self::SaleEnded => Some(Refusal::SaleEnded),
        }
    }

    fn read(status: &str, sale: &str) -> Self {
        match (status, sale) {
            ("available", "cancelled") => Self::Cancelled,
            ("available", "over") => Self::Over,
            ("available", "not_on_sale") => Self::NotOnSale,
            ("available", "sale_ended") => Self::SaleEnded,
            ("available", _) => Self::Available,
            _ => Self::Sold,
        }
    }
}

impl Catalog {
    /// A catalog that remembers nothing yet.
    #[must_use]
    pub fn new(postgres: PgPool) -> Self {
        Self {
            postgres,
            events: Cache::builder().max_capacity(REMEMBERED_TICKETS).time_to_live(REMEMBERED_FOR).build(),
            reading_ahead: Arc::default(),
            sold: Cache::builder().max_capacity(REMEMBERED_TICKETS).time_to_live(SOLD_FOR).build(),
        }
    }

    /// The tickets as they are now. One that is not in the answer does not exist.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn read(&self, tickets: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Ticket>> {
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT tickets.uuid, events.uuid, tickets.status,
                    CASE WHEN events.cancelled_at IS NOT NULL THEN 'cancelled'
                         WHEN events.date < now() THEN 'over'
                         WHEN events.sale_starts_at > now() THEN 'not_on_sale'
                         WHEN events.sale_ends_at <= now() THEN 'sale_ended'
                         ELSE 'on_sale' END
             FROM tickets JOIN events ON events.id = tickets.event_id
             WHERE tickets.uuid = ANY ($1)",
        )
        .bind(tickets.iter().map(Uuid::to_string).collect::<Vec<_>>())
        .fetch_all(&self.postgres)
        .await?;
        let mut found = HashMap::with_capacity(rows.len());
        for (ticket, event_uuid, status, sale) in rows {
            let Ok(ticket) = ticket.parse::<Uuid>() else { continue };
            let event_uuid = self.remember(ticket, event_uuid).await;
            found.insert(ticket, Ticket { event_uuid, state: State::read(&status, &sale) });
        }
        for ticket in tickets.iter().filter(|ticket| !found.contains_key(*ticket)) {
            self.events.invalidate(ticket).await;
        }
        Ok(found)
    }

    /// Writes only what is new: most reads find what is remembered already.
    async fn remember(&self, ticket: Uuid, event_uuid: String) -> Arc<str> {
        match self.events.get(&ticket).await {
            Some(known) if *known == *event_uuid => known,
            _ => {
                let event_uuid: Arc<str> = event_uuid.into();
                self.events.insert(ticket, Arc::clone(&event_uuid)).await;
                event_uuid
            }
        }
    }

    /// The event that a ticket belongs to; `None` when there is no such ticket.
    ///
    /// # Errors
    /// When PostgreSQL has to be asked and does not answer.
    pub async fn event_of(&self, ticket: Uuid) -> sqlx::Result<Option<Arc<str>>> {
        if let Some(event_uuid) = self.events.get(&ticket).await {
            return Ok(Some(event_uuid));
        }
        // A crowd at a cold event asks for all its seats at once: one reads, the others wait.
        let turn = tokio::time::timeout(READ_AHEAD_WAIT, self.reading_ahead.lock()).await;
        if let Some(event_uuid) = self.events.get(&ticket).await {
            return Ok(Some(event_uuid));
        }
        match turn {
            Ok(_turn) => self.read_ahead(ticket).await,
            Err(_) => Ok(self.read(&[ticket]).await?.remove(&ticket).map(|ticket| ticket.event_uuid)),
        }
    }

    async fn read_ahead(&self, ticket: Uuid) -> sqlx::Result<Option<Arc<str>>> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT tickets.uuid, events.uuid
             FROM tickets JOIN events ON events.id = tickets.event_id
             WHERE tickets.event_id = (SELECT event_id FROM tickets WHERE uuid = $1)
             ORDER BY tickets.uuid <> $1 LIMIT $2",
        )
        .bind(ticket.to_string())
        .bind(READ_AHEAD)
        .fetch_all(&self.postgres)
        .await?;
        let Some((_, event_uuid)) = rows.first() else { return Ok(None) };
        let event_uuid: Arc<str> = event_uuid.as_str().into();
        for ticket in rows.iter().filter_map(|(ticket, _)| ticket.parse().ok()) {
            self.events.insert(ticket, Arc::clone(&event_uuid)).await;
        }
        Ok(Some(event_uuid))
    }

    /// Whether PostgreSQL has called the ticket sold within the last second, or does now.
    ///
    /// # Errors
    /// When PostgreSQL has to be asked and does not answer.
    pub async fn is_sold(&self, ticket: Uuid) -> sqlx::Result<bool> {
        if self.sold.contains_key(&ticket) {
            return Ok(true);
        }
        let sold = self.read(&[ticket]).await?.get(&ticket).is_some_and(|ticket| ticket.state == State::Sold);
        if sold {
            self.sold.insert(ticket, ()).await;
        }
        Ok(sold)
    }
}
