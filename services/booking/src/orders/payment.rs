//! Orders with a payment, as their drivers read and write them.

use std::time::Duration;

use ids::{EventId, OrderId, TicketId, UserId};
use seats::SaleAttempt;

use super::{
    Decision, OrderState, Orders, PaymentState, Purchase, Reason,
    lifecycle::{PLACE, PLACE_FREE, Progress, SeatsAfter, Start},
    model::Provider,
};

/// How long a driver has until the worker looks at the order: longer than all calls to the provider may take.
const DRIVEN_FOR: Duration = Duration::from_secs(30);

/// Writes an order with its payment. Answers with the number of orders written, 0 or 1.
const PLACE_STATEMENT: &str = "
    WITH seat AS (
        SELECT tickets.uuid, tickets.event_id, tickets.seat, tickets.price
        FROM tickets JOIN events ON events.id = tickets.event_id
        WHERE tickets.uuid = ANY ($1) AND tickets.status = 'available'
          AND events.date >= now() AND events.cancelled_at IS NULL
        ORDER BY tickets.id
    ), placed AS (
        INSERT INTO orders (uuid, user_uuid, event_id, event_uuid, state, payment_provider, payment_method_uuid, amount,
                            currency, hold_uuid)
        SELECT $4, $2, min(event_id), $5, $11, 'stripe', $3, sum(price)::bigint, $6, $7
        FROM seat HAVING count(*) = cardinality($1) AND min(event_id) = max(event_id)
        RETURNING id, uuid, amount
    ), listed AS (
        INSERT INTO order_tickets (order_id, ticket_uuid, seat, price)
        SELECT placed.id, seat.uuid, seat.seat, seat.price FROM placed CROSS JOIN seat
    ), attempted AS (
        INSERT INTO payment_attempts (uuid, order_id, user_uuid, provider, payment_method_uuid, state, amount, currency,
                                      next_look_at)
        SELECT uuid, id, $2, 'stripe', $3, CASE amount WHEN 0 THEN $13 ELSE $12 END, amount, $6,
               now() + make_interval(secs => $10)
        FROM placed
    ), keyed AS (
        INSERT INTO idempotency_keys (user_uuid, operation, key, fingerprint, order_uuid)
        SELECT $2, 'order', $8, $9, placed.uuid FROM placed WHERE $8::text IS NOT NULL
    )
    SELECT count(*) FROM placed";

/// An order and its payment.
#[derive(Debug, Clone)]
pub(crate) struct OrderPayment {
    pub(crate) attempt: SaleAttempt,
    pub(crate) state: OrderState,
    pub(crate) reason: Option<Reason>,
    pub(crate) payment: PaymentState,
    /// The provider's name of the payment, once it is known.
    pub(crate) intent: Option<String>,
    /// In minor units of the currency.
    pub(crate) amount: i64,
    /// ISO 4217, lower case.
    pub(crate) currency: String,
    /// The provider's name of the customer.
    pub(crate) customer: String,
    /// The provider's name of the payment method.
    pub(crate) method: String,
    /// The time since the order was placed.
    pub(crate) age: Duration,
    /// How often the worker has looked at it in vain.
    pub(crate) looks: i32,
}

impl OrderPayment {
    /// What decides the next step.
    pub(crate) fn progress(&self) -> Progress {
        Progress {
            payment: self.payment,
            is_named: self.intent.is_some(),
            is_free: self.amount == 0,
            age: self.age,
            looks: self.looks,
        }
    }

    /// Nothing is decided while the tickets may still be booked or captured, whatever somebody wrote into the order by
    /// hand.
    pub(crate) fn seats(&self) -> SeatsAfter {
        if self.payment.decides_seats() { SeatsAfter::of(self.state, self.reason) } else { SeatsAfter::Undecided }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    user_uuid: UserId,
    event_uuid: EventId,
    #[sqlx(try_from = "String")]
    state: OrderState,
    reason: Option<String>,
    #[sqlx(try_from = "String")]
    payment: PaymentState,
    intent_reference: Option<String>,
    amount: i64,
    currency: String,
    customer_reference: String,
    provider_reference: String,
    age_seconds: f64,
    looks: i32,
    tickets: Vec<TicketId>,
}

impl Orders {
    /// Writes an order with a payment, unless the attempt was decided before. Returns the decision so far.
    pub(crate) async fn place(&self, attempt: &SaleAttempt, purchase: &Purchase) -> sqlx::Result<Decision> {
        let key = purchase.key.as_ref();
        let payment = |start: Start| start.payment.map(PaymentState::as_str);
        let placed = sqlx::query_scalar(PLACE_STATEMENT)
            .bind(&attempt.tickets)
            .bind(attempt.user)
            .bind(purchase.payment_method)
            .bind(attempt.order)
            .bind(attempt.event)
            .bind(purchase.currency)
            .bind(purchase.hold)
            .bind(key.map(|key| &key.text))
            .bind(key.map(|key| &key.fingerprint))
            .bind(DRIVEN_FOR.as_secs_f64())
            .bind(PLACE.order.as_str())
            .bind(payment(PLACE))
            .bind(payment(PLACE_FREE))
            .fetch_one(&self.postgres)
            .await;
        self.decided(attempt, Provider::Stripe, placed, PLACE).await
    }

    /// Reads an order with a payment; `None` when there is none of this id.
    pub(crate) async fn payment_of(&self, order: OrderId) -> sqlx::Result<Option<OrderPayment>> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT orders.user_uuid, orders.event_uuid, orders.state, orders.reason, payment.state AS payment,
                    payment.intent_reference, orders.amount, orders.currency, method.customer_reference,
                    method.provider_reference, payment.looks,
                    extract(epoch FROM now() - orders.created_at)::float8 AS age_seconds,
                    ARRAY (SELECT ticket_uuid FROM order_tickets WHERE order_id = orders.id ORDER BY id) AS tickets
             FROM orders
             JOIN payment_attempts AS payment ON payment.uuid = orders.uuid
             JOIN payment_methods AS method ON method.uuid = payment.payment_method_uuid
             WHERE orders.uuid = $1",
        )
        .bind(order)
        .fetch_optional(&self.postgres)
        .await?;
        Ok(row.map(|row| OrderPayment {
            attempt: SaleAttempt { event: row.event_uuid, user: row.user_uuid, order, tickets: row.tickets },
            state: row.state,
            reason: row.reason.as_deref().and_then(Reason::parse),
            payment: row.payment,
            intent: row.intent_reference,
            amount: row.amount,
            currency: row.currency,
            customer: row.customer_reference,
            method: row.provider_reference,
            age: Duration::from_secs_f64(row.age_seconds.max(0.0)),
            looks: row.looks,
        }))
    }
}
