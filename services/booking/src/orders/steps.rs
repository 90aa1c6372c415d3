//! The transitions of an order with a payment, as statements. Each takes effect for one of those who drive the order,
//! and says whether it was this one.

use std::time::Duration;

use ids::OrderId;

use super::{
    OrderState, Orders, PaymentState,
    lifecycle::{BOOK, HAND_OVER, OrderAfter, Transition, UNBOOK},
};

/// The worker looks again after this time, and waits twice as long each time…
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// … up to this time.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

impl Transition {
    fn starting_words(&self) -> Vec<&'static str> {
        self.from.iter().map(|state| state.as_str()).collect()
    }
}

/// Takes a transition if the payment is in one of the states `from`. `intent` is the provider's name of the payment, if
/// it is learnt here. Returns whether the transition took effect.
pub(super) async fn advance<'e, E>(
    postgres: E,
    order: OrderId,
    transition: &Transition,
    from: &[&str],
    intent: Option<&str>,
) -> sqlx::Result<bool>
where
    E: sqlx::Executor<'e, Database = sqlx::Postgres>,
{
    let (state, reason, keeps_reason) = match transition.order {
        OrderAfter::Same => (None, None, true),
        OrderAfter::Becomes(state, reason) => (Some(state), reason, false),
        OrderAfter::KeepsReason(state) => (Some(state), None, true),
    };
    let taken: i64 = sqlx::query_scalar(
        "WITH payment AS (
             UPDATE payment_attempts
             SET state = $3, intent_reference = coalesce($4, intent_reference), looks = 0,
                 next_look_at = CASE WHEN $5 THEN NULL ELSE now() + make_interval(secs => $8) END
             WHERE uuid = $1 AND state = ANY ($2)
             RETURNING order_id
         ), changed AS (
             UPDATE orders SET state = $6, reason = CASE WHEN $9 THEN reason ELSE $7 END
             FROM payment WHERE orders.id = payment.order_id AND $6 IS NOT NULL
         )
         SELECT count(*) FROM payment",
    )
    .bind(order)
    .bind(from)
    .bind(transition.to.as_str())
    .bind(intent)
    .bind(transition.to.is_end())
    .bind(state.map(OrderState::as_str))
    .bind(reason.map(|reason| reason.as_str()))
    .bind(FIRST_PAUSE.as_secs_f64())
    .bind(keeps_reason)
    .fetch_one(postgres)
    .await?;
    Ok(taken == 1)
}

/// The same, from the states that the transition starts from.
pub(super) async fn advance_within<'e, E>(postgres: E, order: OrderId, transition: &Transition) -> sqlx::Result<bool>
where
    E: sqlx::Executor<'e, Database = sqlx::Postgres>,
{
    advance(postgres, order, transition, &transition.starting_words(), None).await
}

impl Orders {
    /// Takes a transition if the payment is in one of the states that it starts from. `intent` is the provider's name
    /// of the payment, if it is learnt here. Returns whether the transition took effect.
    pub(crate) async fn advance(
        &self,
        order: OrderId,
        transition: &Transition,
        intent: Option<&str>,
    ) -> sqlx::Result<bool> {
        advance(&self.postgres, order, transition, &transition.starting_words(), intent).await
    }

    /// Leaves the order to a person, unless its payment has left the state that was seen.
    pub(crate) async fn hand_over(&self, order: OrderId, seen: PaymentState) -> sqlx::Result<bool> {
        advance(&self.postgres, order, &HAND_OVER, &[seen.as_str()], None).await
    }

    /// Books all tickets of an order whose money is set aside, which is the transition [`BOOK`]. If one is not
    /// available, nothing is changed. After an error the tickets may have been booked.
    pub(crate) async fn book(&self, order: OrderId) -> sqlx::Result<bool> {
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
                 SET state = $3, looks = 0, next_look_at = now() + make_interval(secs => $2)
                 WHERE uuid = $1 AND state = ANY ($4) AND (SELECT count(*) FROM seat) = (SELECT count(*) FROM wanted)
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
        .bind(BOOK.to.as_str())
        .bind(BOOK.starting_words())
        .fetch_one(&self.postgres)
        .await;
        match booked {
            Ok(booked) => Ok(booked == 1),
            // Another order has a ticket whatever its status says.
            Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives back the tickets of an order whose money could not be taken, which is the transition [`UNBOOK`]. After an
    /// error they may have been given back.
    pub(crate) async fn unbook(&self, order: OrderId) -> sqlx::Result<bool> {
        let OrderAfter::Becomes(state, reason) = UNBOOK.order else { return Ok(false) };
        let unbooked: i64 = sqlx::query_scalar(
            "WITH payment AS (
                 UPDATE payment_attempts SET state = $4, looks = 0, next_look_at = now() + make_interval(secs => $3)
                 WHERE uuid = $1 AND state = ANY ($5)
                 RETURNING order_id
             ), changed AS (
                 UPDATE orders SET state = $6, reason = $2 FROM payment WHERE orders.id = payment.order_id
             ), freed AS (
                 UPDATE tickets SET status = 'available' FROM order_tickets JOIN payment USING (order_id)
                 WHERE tickets.id = order_tickets.ticket_id
             ), unlinked AS (
                 UPDATE order_tickets SET ticket_id = NULL FROM payment WHERE order_tickets.order_id = payment.order_id
             )
             SELECT count(*) FROM payment",
        )
        .bind(order)
        .bind(reason.map(|reason| reason.as_str()))
        .bind(FIRST_PAUSE.as_secs_f64())
        .bind(UNBOOK.to.as_str())
        .bind(UNBOOK.starting_words())
        .bind(state.as_str())
        .fetch_one(&self.postgres)
        .await?;
        Ok(unbooked == 1)
    }

    /// Claims orders that nobody has driven for a while. The caller drives them; the next look is put off meanwhile.
    pub(crate) async fn claim_due(&self, at_most: i64) -> sqlx::Result<Vec<OrderId>> {
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
        .fetch_all(&self.postgres)
        .await
    }

    /// How many orders wait for a person.
    pub(crate) async fn count_stuck(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("SELECT count(*) FROM orders WHERE state = $1")
            .bind(OrderState::Stuck.as_str())
            .fetch_one(&self.postgres)
            .await
    }
}
