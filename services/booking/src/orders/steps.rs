//! The steps of an order with a payment. Each takes effect for one of those who drive it, and says for whom it did.

use std::time::Duration;

use ids::OrderId;
use kit::postgres::Pool;

use super::{OrderState, payment::PaymentState};

/// The worker looks again after this long, twice as long each time…
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// … up to this long.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// A step from one state of the payment to another.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The states that the payment must be in.
    pub from: &'a [PaymentState],
    /// The state that it comes into.
    pub to: PaymentState,
    /// What becomes of the order, and why; `None` when it stays.
    pub order: Option<(OrderState, Option<&'a str>)>,
    /// The provider's name of the payment, if it is learned here.
    pub intent: Option<&'a str>,
}

/// Takes the step if the payment is in one of its states. Returns whether it was.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn take<'e, E>(postgres: E, order: OrderId, step: Step<'_>) -> sqlx::Result<bool>
where
    E: sqlx::Executor<'e, Database = sqlx::Postgres>,
{
    let taken: i64 = sqlx::query_scalar(
        "WITH payment AS (
             UPDATE payment_attempts
             SET state = $3, intent_reference = coalesce($4, intent_reference), looks = 0,
                 next_look_at = CASE WHEN $5 THEN NULL ELSE now() + make_interval(secs => $8) END
             WHERE uuid = $1 AND state = ANY ($2)
             RETURNING order_id
         ), changed AS (
             UPDATE orders SET state = $6, reason = $7 FROM payment WHERE orders.id = payment.order_id AND $6 IS NOT NULL
         )
         SELECT count(*) FROM payment",
    )
    .bind(order)
    .bind(step.from.iter().map(|state| state.as_str()).collect::<Vec<_>>())
    .bind(step.to.as_str())
    .bind(step.intent)
    .bind(step.to.is_end())
    .bind(step.order.map(|(state, _)| state.as_str()))
    .bind(step.order.and_then(|(_, reason)| reason))
    .bind(FIRST_PAUSE.as_secs_f64())
    .fetch_one(postgres)
    .await?;
    Ok(taken == 1)
}

/// Books the tickets of an order whose money is set aside: all of them, or none and no step.
///
/// # Errors
/// When PostgreSQL fails. Then it may have been booked.
pub async fn book(postgres: &Pool, order: OrderId) -> sqlx::Result<bool> {
    let booked: sqlx::Result<i64> = sqlx::query_scalar(
        "WITH wanted AS (
             SELECT order_tickets.id, order_tickets.ticket_uuid
             FROM order_tickets JOIN orders ON orders.id = order_tickets.order_id
             WHERE orders.uuid = $1
         ), seat AS MATERIALIZED (
             SELECT tickets.id, wanted.id AS order_ticket_id
             FROM wanted
             JOIN tickets ON tickets.uuid = wanted.ticket_uuid
             JOIN events ON events.id = tickets.event_id
             WHERE tickets.status = 'available' AND events.date >= now() AND events.cancelled_at IS NULL
             ORDER BY tickets.id
             FOR NO KEY UPDATE OF tickets
         ), payment AS (
             UPDATE payment_attempts
             SET state = 'capturing', looks = 0, next_look_at = now() + make_interval(secs => $2)
             WHERE uuid = $1 AND state = 'authorized' AND (SELECT count(*) FROM seat) = (SELECT count(*) FROM wanted)
             RETURNING id
         ), booked AS (
             UPDATE tickets SET status = 'booked' FROM seat CROSS JOIN payment WHERE tickets.id = seat.id
         ), linked AS (
             UPDATE order_tickets SET ticket_id = seat.id FROM seat CROSS JOIN payment
             WHERE order_tickets.id = seat.order_ticket_id
         )
         SELECT count(*) FROM payment",
    )
    .bind(order)
    .bind(FIRST_PAUSE.as_secs_f64())
    .fetch_one(postgres)
    .await;
    match booked {
        Ok(booked) => Ok(booked == 1),
        // Another order has a ticket whatever its status says.
        Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives back the tickets of an order whose money could not be taken.
///
/// # Errors
/// When PostgreSQL fails. Then they may have been given back.
pub async fn unbook(postgres: &Pool, order: OrderId, reason: &str) -> sqlx::Result<bool> {
    let unbooked: i64 = sqlx::query_scalar(
        "WITH payment AS (
             UPDATE payment_attempts SET state = 'canceling', looks = 0, next_look_at = now() + make_interval(secs => $3)
             WHERE uuid = $1 AND state = 'capturing'
             RETURNING order_id
         ), changed AS (
             UPDATE orders SET state = 'cancelled', reason = $2 FROM payment WHERE orders.id = payment.order_id
         ), freed AS (
             UPDATE tickets SET status = 'available' FROM order_tickets JOIN payment USING (order_id)
             WHERE tickets.id = order_tickets.ticket_id
         ), unlinked AS (
             UPDATE order_tickets SET ticket_id = NULL FROM payment WHERE order_tickets.order_id = payment.order_id
         )
         SELECT count(*) FROM payment",
    )
    .bind(order)
    .bind(reason)
    .bind(FIRST_PAUSE.as_secs_f64())
    .fetch_one(postgres)
    .await?;
    Ok(unbooked == 1)
}

/// Claims orders that nobody has brought on for a while: who claims them drives them, and the next look is put off.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn claim_due(postgres: &Pool, at_most: i64) -> sqlx::Result<Vec<OrderId>> {
    sqlx::query_scalar(
        "UPDATE payment_attempts
         SET looks = looks + 1, next_look_at = now() + make_interval(secs => least($2 * 2 ^ least(looks, 20), $3))
         WHERE id IN (
             SELECT id FROM payment_attempts WHERE next_look_at <= now()
             ORDER BY next_look_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         RETURNING uuid",
    )
    .bind(at_most)
    .bind(FIRST_PAUSE.as_secs_f64())
    .bind(LONGEST_PAUSE.as_secs_f64())
    .fetch_all(postgres)
    .await
}

/// How many orders wait for a person.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn count_stuck(postgres: &Pool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM orders WHERE state = 'stuck'").fetch_one(postgres).await
}
