//! Giving a booked order back.

use ids::{OrderId, UserId};

use super::{
    Orders,
    idempotency::Key,
    lifecycle::{CAPTURE, OrderAfter, REFUND, REFUND_FREE},
};

impl Orders {
    /// Gives the order back: its tickets are available again, and the payment takes the transition [`REFUND`], or
    /// [`REFUND_FREE`] if it cost nothing. One statement, together with the key under which the call may be repeated.
    ///
    /// Only a booked order of this user's can be given back, and only until its event is over (unless the event was
    /// cancelled). Returns whether this call did it. Fails with a unique violation when another call came under the
    /// key.
    pub(crate) async fn refund(&self, order: OrderId, user: UserId, key: Option<&Key>) -> sqlx::Result<bool> {
        let (OrderAfter::Becomes(refunded, reason), OrderAfter::Becomes(booked, _)) = (REFUND.order, CAPTURE.order)
        else {
            return Ok(false);
        };
        let refunded: i64 = sqlx::query_scalar(
            "WITH refunded AS (
                 UPDATE orders SET state = $6, reason = $3
                 WHERE uuid = $1 AND user_uuid = $2 AND state = $7
                   AND NOT EXISTS (
                       SELECT FROM events
                       WHERE events.id = orders.event_id AND events.date < now() AND events.cancelled_at IS NULL)
                 RETURNING id
             ), paid AS (
                 UPDATE payment_attempts
                 SET state = CASE WHEN intent_reference IS NULL THEN $10 ELSE $9 END, looks = 0,
                     next_look_at = CASE WHEN intent_reference IS NULL THEN NULL ELSE now() END
                 FROM refunded WHERE payment_attempts.order_id = refunded.id AND payment_attempts.state = $8
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
        .bind(reason.map(|reason| reason.as_str()))
        .bind(key.map(|key| key.text.as_str()))
        .bind(key.map(|key| key.fingerprint.as_str()))
        .bind(refunded.as_str())
        .bind(booked.as_str())
        .bind(CAPTURE.to.as_str())
        .bind(REFUND.to.as_str())
        .bind(REFUND_FREE.to.as_str())
        .fetch_one(&self.postgres)
        .await?;
        Ok(refunded == 1)
    }
}
