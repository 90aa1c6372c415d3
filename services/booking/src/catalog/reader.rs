//! Reading tickets in batches: those who ask while PostgreSQL is answering others are answered together.
//!
//! In a rush the same few connections then serve any number of customers, and a ticket costs a fraction of a query. Alone,
//! a customer waits for nobody.

use std::{collections::HashMap, sync::Arc};

use service_kit::postgres::Pool;
use tokio::sync::{Mutex, mpsc, oneshot};
use uuid::Uuid;

use super::ticket::{State, Ticket};

/// Queries that run at the same time: while one waits for PostgreSQL, another is written or read.
const READERS: usize = 3;
/// Requests answered by one query, at most. One request may ask for as many tickets as a hold can have.
const BATCH: usize = 128;

/// Tickets by their uuid.
pub type Tickets = Arc<HashMap<Uuid, Ticket>>;
/// Why PostgreSQL did not answer: the same for all who asked together.
pub type ReadError = Arc<sqlx::Error>;

struct Request {
    tickets: Vec<Uuid>,
    answer: oneshot::Sender<Result<Tickets, ReadError>>,
}

/// Reads tickets as they are after it was asked. The tasks behind it end with the last clone.
#[derive(Clone)]
pub struct Reader {
    requests: mpsc::UnboundedSender<Request>,
}

impl Reader {
    /// Starts the tasks that read. To be called within a runtime.
    pub fn start(postgres: Pool) -> Self {
        let (requests, waiting) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..READERS {
            tokio::spawn(answer_all(postgres.clone(), Arc::clone(&waiting)));
        }
        Self { requests }
    }

    /// These tickets and perhaps others.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn read(&self, tickets: &[Uuid]) -> Result<Tickets, ReadError> {
        let (answer, answered) = oneshot::channel();
        let _ = self.requests.send(Request { tickets: tickets.to_vec(), answer });
        // The tasks end only with the runtime.
        answered.await.unwrap_or_else(|_| Err(Arc::new(sqlx::Error::WorkerCrashed)))
    }
}

async fn answer_all(postgres: Pool, waiting: Arc<Mutex<mpsc::UnboundedReceiver<Request>>>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.lock().await.recv_many(&mut batch, BATCH).await > 0 {
        // Whoever has gone away needs no answer.
        batch.retain(|request| !request.answer.is_closed());
        let tickets: Vec<String> = batch.iter().flat_map(|request| &request.tickets).map(Uuid::to_string).collect();
        if tickets.is_empty() {
            continue;
        }
        let answer = read(&postgres, &tickets).await.map(Arc::new).map_err(Arc::new);
        for request in batch.drain(..) {
            let _ = request.answer.send(answer.clone());
        }
    }
}

async fn read(postgres: &Pool, tickets: &[String]) -> sqlx::Result<HashMap<Uuid, Ticket>> {
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
    .bind(tickets)
    .fetch_all(postgres)
    .await?;
    let ticket = |(ticket, event_uuid, status, sale): (String, String, String, String)| {
        let ticket: Uuid = ticket.parse().ok()?;
        Some((ticket, Ticket { event_uuid: event_uuid.into(), state: State::read(&status, &sale) }))
    };
    Ok(rows.into_iter().filter_map(ticket).collect())
}
