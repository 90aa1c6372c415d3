//! Reads tickets in batches.

use std::{collections::HashMap, sync::Arc};

use ids::{EventId, TicketId};
use kit::{batching::Batching, postgres::Pool};

use super::ticket::{State, Ticket};

/// How many queries run at the same time: while one waits for PostgreSQL, another is written or read.
const READERS: usize = 3;
/// The most requests that one query answers. A request may ask for as many tickets as a hold can have.
const BATCH: usize = 128;

pub(crate) type Tickets = Arc<HashMap<TicketId, Ticket>>;
/// Why PostgreSQL did not answer. All requests of a batch share it.
pub(crate) type ReadError = Arc<sqlx::Error>;

/// Reads each ticket as it is after the request came.
#[derive(Clone)]
pub(crate) struct Reader(Batching<Vec<TicketId>, Result<Tickets, ReadError>>);

impl Reader {
    /// Starts the tasks that read; to be called within a runtime.
    pub(crate) fn start(postgres: Pool) -> Self {
        Self(Batching::start(READERS, BATCH, move |requests| {
            let postgres = postgres.clone();
            async move {
                let tickets: Vec<TicketId> = requests.iter().flatten().copied().collect();
                let found = read(&postgres, &tickets).await.map(Arc::new).map_err(Arc::new);
                vec![found; requests.len()]
            }
        }))
    }

    /// These tickets, and perhaps others of the same batch.
    pub(crate) async fn read(&self, tickets: &[TicketId]) -> Result<Tickets, ReadError> {
        self.0.ask(tickets.to_vec()).await.unwrap_or_else(|| Err(Arc::new(sqlx::Error::WorkerCrashed)))
    }
}

async fn read(postgres: &Pool, tickets: &[TicketId]) -> sqlx::Result<HashMap<TicketId, Ticket>> {
    let rows: Vec<(TicketId, EventId, String, String)> = sqlx::query_as(
        "SELECT tickets.uuid, events.uuid, tickets.status,
                CASE WHEN events.cancelled_at IS NOT NULL THEN 'cancelled'
                     WHEN events.date < now() THEN 'over'
                     WHEN events.sale_starts_at > now() THEN 'not_on_sale'
                     WHEN events.sale_ends_at <= now() THEN 'sale_ended'
                     ELSE 'on_sale' END
         FROM tickets JOIN events ON events.id = tickets.event_id
         WHERE tickets.uuid = ANY ($1)",
    )
    .bind(tickets)
    .fetch_all(postgres)
    .await?;
    let tickets = rows.into_iter();
    Ok(tickets
        .map(|(ticket, event, status, sale)| (ticket, Ticket { event, state: State::read(&status, &sale) }))
        .collect())
}
