//! A sale without a payment: one statement.

use seats::Sale;
use sqlx::PgPool;
use uuid::Uuid;

use super::{FREE, OrderState, cancel_unborn, idempotency::Key, reason, spelled, why_refused};

/// Sells all tickets or none: locks the seats in the order of their ids, and where all of them can be had, books them and writes
/// the order with its tickets and the key under which its client may repeat the call. It is its own transaction.
///
/// Its parameters are [`SELL_PARAMETERS`]. Answers with the number of orders written, 0 or 1. A unique violation says that the
/// order has its decision already. Public, for `bench/` lets PostgreSQL run it without the service.
pub const SELL: &str = "
    WITH seat AS MATERIALIZED (
        SELECT tickets.id, tickets.uuid, tickets.event_id, tickets.seat, tickets.price
        FROM tickets JOIN events ON events.id = tickets.event_id
        WHERE tickets.uuid = ANY ($1) AND tickets.status = 'available'
          AND events.date >= now() AND events.cancelled_at IS NULL
        ORDER BY tickets.id
        FOR NO KEY UPDATE OF tickets
    ), placed AS (
        INSERT INTO orders (uuid, user_uuid, event_id, event_uuid, state, payment_provider, payment_method_uuid, amount,
                            currency, hold_uuid)
        SELECT $4, $2, min(event_id), $5, 'booked', 'free', $3, sum(price)::bigint, $6, $7
        FROM seat HAVING count(*) = cardinality($1) AND min(event_id) = max(event_id)
        RETURNING id, uuid
    ), sold AS (
        UPDATE tickets SET status = 'booked' FROM seat CROSS JOIN placed WHERE tickets.id = seat.id
    ), listed AS (
        INSERT INTO order_tickets (order_id, ticket_id, ticket_uuid, seat, price)
        SELECT placed.id, seat.id, seat.uuid, seat.seat, seat.price FROM placed CROSS JOIN seat
    ), keyed AS (
        INSERT INTO idempotency_keys (user_uuid, operation, key, fingerprint, order_uuid)
        SELECT $2, 'order', $8, $9, placed.uuid FROM placed WHERE $8::text IS NOT NULL
    )
    SELECT count(*) FROM placed";

/// What `$1`, `$2`, … of [`SELL`] are. `tickets` is a `text[]`, all others are `text`; hold, key and fingerprint may be null.
pub const SELL_PARAMETERS: &[&str] =
    &["tickets", "user", "payment_method", "order", "event", "currency", "hold", "key", "fingerprint"];

/// What an order says beside its seats.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// How the buyer pays.
    pub payment_method: Uuid,
    /// The hold the tickets come from, where the client named one.
    pub hold: Option<Uuid>,
    /// ISO 4217, lower case.
    pub currency: &'static str,
    /// The key under which the client may repeat the call.
    pub key: Option<Key>,
}

/// Sells the tickets, unless the order has its decision already, and returns the order's state.
///
/// # Errors
/// When PostgreSQL fails. Then the outcome is not known: the statement may have committed. [`cancel_unborn`] finds out.
pub async fn sell(postgres: &PgPool, sale: &Sale, purchase: &Purchase) -> sqlx::Result<OrderState> {
    let key = purchase.key.as_ref();
    let sold: sqlx::Result<i64> = sqlx::query_scalar(SELL)
        .bind(spelled(&sale.tickets))
        .bind(sale.user.to_string())
        .bind(purchase.payment_method.to_string())
        .bind(sale.attempt.to_string())
        .bind(&sale.event_uuid)
        .bind(purchase.currency)
        .bind(purchase.hold.map(|hold| hold.to_string()))
        .bind(key.map(|key| key.text.as_str()))
        .bind(key.map(|key| key.fingerprint.as_str()))
        .fetch_one(postgres)
        .await;
    match sold {
        Ok(1) => Ok(OrderState::Booked),
        Ok(_) => cancel_unborn(postgres, sale, FREE, reason::NOT_AVAILABLE).await,
        // Either the order has its decision, or another order has the ticket whatever its status says.
        Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
            cancel_unborn(postgres, sale, FREE, why_refused(&error)).await
        }
        Err(error) => Err(error),
    }
}
