//! A sale with a payment: authorise, book, capture. Each step is one statement that moves the payment from a state it must
//! be in, so that a request, a webhook and the worker may drive the same order at once: one of them takes effect.
//!
//! | payment | order | what comes next |
//! |---|---|---|
//! | `authorizing` | `pending`, `paying` | the provider is asked to set the money aside |
//! | `requires_action` | `paying` | the customer confirms with the card's bank, or the time runs out |
//! | `authorized` | `paying` | the tickets are booked, or cannot be had |
//! | `capturing` | `paying` | the tickets are booked; the money is taken, or the tickets are given back |
//! | `captured` | `booked` | nothing |
//! | `canceling` | `cancelled` | the money that may have been set aside is let go |
//! | `refunding` | `refunded`, `cancelled` | the money is given back |
//! | `declined`, `canceled`, `refunded`, `failed` | an end | nothing |

use std::time::Duration;

use ids::{EventId, OrderId, TicketId, UserId};
use kit::postgres::Pool;
use seats::SaleAttempt;

use super::{
    OrderState, STRIPE,
    decision::{Decision, Purchase, decided},
};

/// Whoever drives an order has so long until the worker looks at it: longer than all calls to the provider may take.
const DRIVEN_FOR: Duration = Duration::from_secs(30);

/// How far a payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    /// The provider is asked to set the money aside.
    Authorizing,
    /// The customer must act.
    RequiresAction,
    /// The money is set aside.
    Authorized,
    /// The tickets are booked; the money is being taken.
    Capturing,
    /// The money is taken.
    Captured,
    /// What is set aside is being let go.
    Canceling,
    /// Nothing is set aside.
    Canceled,
    /// The card was declined, or the payment refused, before Stripe had a payment to be ended.
    Declined,
    /// The money is being given back.
    Refunding,
    /// The money was given back.
    Refunded,
    /// It could not be brought to an end; the order says `stuck` when that matters.
    Failed,
}

impl PaymentState {
    const ALL: [Self; 11] = [
        Self::Authorizing,
        Self::RequiresAction,
        Self::Authorized,
        Self::Capturing,
        Self::Captured,
        Self::Canceling,
        Self::Canceled,
        Self::Declined,
        Self::Refunding,
        Self::Refunded,
        Self::Failed,
    ];

    /// The state as `payment_attempts.state` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorizing => "authorizing",
            Self::RequiresAction => "requires_action",
            Self::Authorized => "authorized",
            Self::Capturing => "capturing",
            Self::Captured => "captured",
            Self::Canceling => "canceling",
            Self::Canceled => "canceled",
            Self::Declined => "declined",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
            Self::Failed => "failed",
        }
    }

    fn parse(word: &str) -> sqlx::Result<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown state of a payment: {word}").into()))
    }

    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Captured | Self::Canceled | Self::Declined | Self::Refunded | Self::Failed)
    }
}

/// Writes the order down before the provider is asked, so that a crash leaves no payment without an order. Answers with the number
/// of orders written, 0 or 1.
const PLACE: &str = "
    WITH seat AS (
        SELECT tickets.uuid, tickets.event_id, tickets.seat, tickets.price
        FROM tickets JOIN events ON events.id = tickets.event_id
        WHERE tickets.uuid = ANY ($1) AND tickets.status = 'available'
          AND events.date >= now() AND events.cancelled_at IS NULL
        ORDER BY tickets.id
    ), placed AS (
        INSERT INTO orders (uuid, user_uuid, event_id, event_uuid, state, payment_provider, payment_method_uuid, amount,
                            currency, hold_uuid)
        SELECT $4, $2, min(event_id), $5, 'pending', 'stripe', $3, sum(price)::bigint, $6, $7
        FROM seat HAVING count(*) = cardinality($1) AND min(event_id) = max(event_id)
        RETURNING id, uuid, amount
    ), listed AS (
        INSERT INTO order_tickets (order_id, ticket_uuid, seat, price)
        SELECT placed.id, seat.uuid, seat.seat, seat.price FROM placed CROSS JOIN seat
    ), attempted AS (
        INSERT INTO payment_attempts (uuid, order_id, user_uuid, provider, payment_method_uuid, state, amount, currency,
                                      next_look_at)
        SELECT uuid, id, $2, 'stripe', $3, CASE amount WHEN 0 THEN 'authorized' ELSE 'authorizing' END, amount, $6,
               now() + make_interval(secs => $10)
        FROM placed
    ), keyed AS (
        INSERT INTO idempotency_keys (user_uuid, operation, key, fingerprint, order_uuid)
        SELECT $2, 'order', $8, $9, placed.uuid FROM placed WHERE $8::text IS NOT NULL
    )
    SELECT count(*) FROM placed";

/// Places the order, unless the attempt has its decision already, and returns what was decided so far.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn place(postgres: &Pool, sale: &SaleAttempt, purchase: &Purchase) -> sqlx::Result<Decision> {
    let key = purchase.key.as_ref();
    let placed = sqlx::query_scalar(PLACE)
        .bind(&sale.tickets)
        .bind(sale.user)
        .bind(purchase.payment_method)
        .bind(sale.order)
        .bind(sale.event)
        .bind(purchase.currency)
        .bind(purchase.hold)
        .bind(key.map(|key| &key.text))
        .bind(key.map(|key| &key.fingerprint))
        .bind(DRIVEN_FOR.as_secs_f64())
        .fetch_one(postgres)
        .await;
    decided(postgres, sale, STRIPE, placed, OrderState::Pending).await
}

/// An order and its payment, as whoever drives it needs them.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// What is sold to whom under which name.
    pub sale: SaleAttempt,
    /// How far the order has come.
    pub state: OrderState,
    /// Why.
    pub reason: Option<String>,
    /// How far the payment has come.
    pub payment: PaymentState,
    /// The provider's name of the payment, once it is known.
    pub intent: Option<String>,
    /// In minor units of the currency.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// The provider's name of the customer.
    pub customer: String,
    /// The provider's name of the payment method.
    pub method: String,
    /// Time since the order was placed.
    pub age: Duration,
    /// How often the worker has looked at it in vain.
    pub looks: i32,
}

#[derive(sqlx::FromRow)]
struct Row {
    user_uuid: UserId,
    event_uuid: EventId,
    state: String,
    reason: Option<String>,
    payment: String,
    intent_reference: Option<String>,
    amount: i64,
    currency: String,
    customer_reference: String,
    provider_reference: String,
    age_seconds: f64,
    looks: i32,
    tickets: Vec<TicketId>,
}

/// Reads an order with a payment; `None` when there is none of this name.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn checkout(postgres: &Pool, order: OrderId) -> sqlx::Result<Option<Checkout>> {
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
    .fetch_optional(postgres)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Checkout {
        sale: SaleAttempt { event: row.event_uuid, user: row.user_uuid, order, tickets: row.tickets },
        state: OrderState::parse(&row.state)?,
        reason: row.reason,
        payment: PaymentState::parse(&row.payment)?,
        intent: row.intent_reference,
        amount: row.amount,
        currency: row.currency,
        customer: row.customer_reference,
        method: row.provider_reference,
        age: Duration::from_secs_f64(row.age_seconds.max(0.0)),
        looks: row.looks,
    }))
}
