//! A sale without a payment: one statement.

use seats::Sale;
use service_kit::postgres::Pool;

use super::{
    FREE, OrderState,
    decision::{Decision, Purchase, decided, writing},
};

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

/// Sells the tickets, unless the attempt has its decision already, and returns what was decided.
///
/// # Errors
/// When PostgreSQL fails. Then the outcome is not known: the statement may have committed. [`cancel_unborn`] finds out.
///
/// [`cancel_unborn`]: super::decision::cancel_unborn
pub async fn sell(postgres: &Pool, sale: &Sale, purchase: &Purchase) -> sqlx::Result<Decision> {
    let sold = writing(SELL, sale, purchase).fetch_one(postgres).await;
    decided(postgres, sale, FREE, sold, OrderState::Booked).await
}
