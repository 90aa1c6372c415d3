//! Orders in PostgreSQL: where a sale is decided.
//!
//! An attempt to sell has one decision, the row in `payment_attempts` under its uuid: whoever inserts that row first decides.
//! A sale inserts `succeeded` in the transaction that books; whoever gives a sale up inserts `refused` or `abandoned`. The
//! unique key makes the second wait for the first's transaction and then see its decision. So no clock is needed to know
//! that a sale can never commit any more, however long its process was stopped: its row is taken.

use seats::Sale;
use sqlx::{PgPool, postgres::PgQueryResult};
use uuid::Uuid;

use crate::payments::Payments;

/// The transaction of a sale. `ticket_platform.sale` keeps the trigger on `tickets` quiet: NOTIFY would make commits wait
/// for each other, and nobody caches a ticket's status. The time limit ends the transaction of a process that was stopped in
/// the middle, so that neither its row locks nor its attempt stand in anybody's way for longer.
const BEGIN: &str = "BEGIN; SET LOCAL ticket_platform.sale = 'on'; SET LOCAL transaction_timeout = '5s'";

/// Sells all tickets or none, in one statement: locks the seats in the order of their ids, books those that are still
/// available, and writes the order, its tickets and the attempt only when that was all of them. The caller compares the
/// number with what was asked.
const SELL: &str = "
    WITH seat AS (
        SELECT tickets.id
        FROM tickets JOIN events ON events.id = tickets.event_id
        WHERE tickets.uuid = ANY ($1) AND tickets.status = 'available' AND events.date >= now()
        ORDER BY tickets.id
        FOR NO KEY UPDATE OF tickets
    ), sold AS (
        UPDATE tickets SET status = 'booked'
        FROM seat WHERE tickets.id = seat.id
        RETURNING tickets.id, tickets.uuid, tickets.event_id, tickets.seat, tickets.price
    ), placed AS (
        INSERT INTO orders (user_uuid, event_id, state, payment_provider, payment_method_uuid, amount)
        SELECT $2, min(event_id), 'booked', $3, $4, sum(price)::bigint
        FROM sold HAVING count(*) = cardinality($1) AND min(event_id) = max(event_id)
        RETURNING id, amount
    ), listed AS (
        INSERT INTO order_tickets (order_id, ticket_id, ticket_uuid, seat, price)
        SELECT placed.id, sold.id, sold.uuid, sold.seat, sold.price FROM placed CROSS JOIN sold
    ), paid AS (
        INSERT INTO payment_attempts (uuid, order_id, user_uuid, provider, payment_method_uuid, state, amount)
        SELECT $5, placed.id, $2, $3, $4, 'succeeded', placed.amount FROM placed
        RETURNING id
    )
    SELECT count(*) FROM paid";

/// How an attempt was decided. No attempt changes its decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Sold to the attempt's user.
    Sold,
    /// A ticket was not available.
    Refused,
    /// Given up before it came to a sale.
    Abandoned,
}

impl Decision {
    /// The decision as `payment_attempts.state` has it.
    fn state(self) -> &'static str {
        match self {
            Self::Sold => "succeeded",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
        }
    }

    fn from_state(state: &str) -> sqlx::Result<Self> {
        [Self::Sold, Self::Refused, Self::Abandoned]
            .into_iter()
            .find(|decision| decision.state() == state)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown state of a payment attempt: {state}").into()))
    }
}

/// Sells the tickets, unless the attempt is decided already, and returns the attempt's decision.
///
/// # Errors
/// When PostgreSQL fails. Then the outcome is not known: the transaction may have committed. [`decide`] finds out.
pub async fn sell(postgres: &PgPool, sale: &Sale, payments: Payments, payment_method: Uuid) -> sqlx::Result<Decision> {
    let mut transaction = postgres.begin_with(BEGIN).await?;
    let sold: Result<i64, sqlx::Error> = sqlx::query_scalar(SELL)
        .bind(spelled(&sale.tickets))
        .bind(sale.user.to_string())
        .bind(payments.name())
        .bind(payment_method.to_string())
        .bind(sale.attempt.to_string())
        .fetch_one(&mut *transaction)
        .await;
    match sold {
        Ok(1) => {
            transaction.commit().await?;
            Ok(Decision::Sold)
        }
        Ok(_) => {
            transaction.rollback().await?;
            decide(postgres, sale, payments, Decision::Refused).await
        }
        // Either the attempt has its decision, or an order has the ticket whatever its status says.
        Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
            transaction.rollback().await?;
            decide(postgres, sale, payments, Decision::Refused).await
        }
        Err(error) => Err(error),
    }
}

/// Decides against a sale, unless it is decided already, and returns what stands. Waits for a transaction that is selling
/// under this attempt right now.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn decide(postgres: &PgPool, sale: &Sale, payments: Payments, against: Decision) -> sqlx::Result<Decision> {
    let inserted: PgQueryResult = sqlx::query(
        "INSERT INTO payment_attempts (uuid, user_uuid, provider, state) VALUES ($1, $2, $3, $4)
         ON CONFLICT (uuid) DO NOTHING",
    )
    .bind(sale.attempt.to_string())
    .bind(sale.user.to_string())
    .bind(payments.name())
    .bind(against.state())
    .execute(postgres)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(against);
    }
    let state: String = sqlx::query_scalar("SELECT state FROM payment_attempts WHERE uuid = $1")
        .bind(sale.attempt.to_string())
        .fetch_one(postgres)
        .await?;
    Decision::from_state(&state)
}

/// Whether the ticket was sold to this user, who then asks again after an answer that did not reach him.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn was_sold_to(postgres: &PgPool, ticket: Uuid, user: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT FROM order_tickets
             JOIN orders ON orders.id = order_tickets.order_id
             JOIN tickets ON tickets.id = order_tickets.ticket_id
             WHERE order_tickets.ticket_uuid = $1 AND tickets.status = 'booked'
               AND orders.user_uuid = $2 AND orders.state = 'booked')",
    )
    .bind(ticket.to_string())
    .bind(user.to_string())
    .fetch_one(postgres)
    .await
}

fn spelled(uuids: &[Uuid]) -> Vec<String> {
    uuids.iter().map(Uuid::to_string).collect()
}
