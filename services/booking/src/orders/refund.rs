//! Giving a booked order back.

use ids::{OrderId, UserId};
use kit::postgres::Pool;

use super::{idempotency::Key, reason};

/// Gives the order back: its tickets are for sale again, and what was paid is to be given back. One statement with the key
/// under which the call may be repeated. Returns whether this call did it: only a booked order of this user's, whose event is not
/// over (or was cancelled), can be given back.
///
/// # Errors
/// When PostgreSQL fails; with a unique violation when another call came under the key.
pub async fn refund(postgres: &Pool, order: OrderId, user: UserId, key: Option<&Key>) -> sqlx::Result<bool> {
    let refunded: i64 = sqlx::query_scalar(
        "WITH refunded AS (
             UPDATE orders SET state = 'refunded', reason = $3
             WHERE uuid = $1 AND user_uuid = $2 AND state = 'booked'
               AND NOT EXISTS (SELECT FROM events
                               WHERE events.id = orders.event_id AND events.date < now() AND events.cancelled_at IS NULL)
             RETURNING id
         ), paid AS (
             UPDATE payment_attempts
             SET state = CASE WHEN intent_reference IS NULL THEN 'refunded' ELSE 'refunding' END, looks = 0,
                 next_look_at = CASE WHEN intent_reference IS NULL THEN NULL ELSE now() END
             FROM refunded WHERE payment_attempts.order_id = refunded.id AND payment_attempts.state = 'captured'
         ), freed AS (
             UPDATE tickets SET status = 'available'
             FROM order_tickets JOIN refunded ON refunded.id = order_tickets.order_id
             WHERE tickets.id = order_tickets.ticket_id
         ), unlinked AS (
             UPDATE order_tickets SET ticket_id = NULL FROM refunded WHERE order_tickets.order_id = refunded.id
         ), keyed AS (
             INSERT INTO idempotency_keys (user_uuid, operation, key, fingerprint, order_uuid)
             SELECT $2, 'refund', $4, $5, $1 FROM refunded WHERE $4::text IS NOT NULL
         )
         SELECT count(*) FROM refunded",
    )
    .bind(order)
    .bind(user)
    .bind(reason::REQUESTED)
    .bind(key.map(|key| key.text.as_str()))
    .bind(key.map(|key| key.fingerprint.as_str()))
    .fetch_one(postgres)
    .await?;
    Ok(refunded == 1)
}
