//! Orders as their buyer sees them.

use ids::{EventId, OrderId, TicketId, UserId};
use kit::postgres::Pool;
use seats::SaleAttempt;
use time::OffsetDateTime;

use super::OrderState;

/// An order with its tickets and its history.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its name.
    pub uuid: OrderId,
    /// The buyer.
    pub user: UserId,
    /// The event, which may be gone by now.
    pub event: Option<EventId>,
    /// How far it has come.
    pub state: OrderState,
    /// Why it is in this state, where there is something to say.
    pub reason: Option<String>,
    /// `free` or `stripe`.
    pub provider: String,
    /// How far the payment has come, where there is one.
    pub payment_state: Option<String>,
    /// The sum of the prices, in minor units of the currency.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: Option<String>,
    /// When it was placed.
    pub created_at: OffsetDateTime,
    /// What was bought.
    pub tickets: Vec<OrderTicket>,
    /// All its states, oldest first.
    pub history: Vec<HistoryEntry>,
}

impl Order {
    /// The order as the seats' marks know it. `None` for an order of an earlier version, which wrote no event down.
    #[must_use]
    pub fn attempt(&self) -> Option<SaleAttempt> {
        Some(SaleAttempt {
            event: self.event?,
            user: self.user,
            order: self.uuid,
            tickets: self.tickets.iter().map(|ticket| ticket.ticket).collect(),
        })
    }
}

/// A ticket of an order. It keeps what was sold, whatever becomes of the ticket later.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OrderTicket {
    /// The order's uuid.
    order_uuid: OrderId,
    /// The ticket.
    #[sqlx(rename = "ticket_uuid")]
    pub ticket: TicketId,
    /// The seat it stands for.
    pub seat: String,
    /// Its price, in minor units of the currency.
    pub price: i64,
}

/// A state that an order came into.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct HistoryEntry {
    /// The order's uuid.
    order_uuid: OrderId,
    /// When.
    pub at: OffsetDateTime,
    /// The state.
    pub state: String,
    /// Why, where there is something to say.
    pub reason: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    uuid: OrderId,
    user_uuid: UserId,
    event_uuid: Option<EventId>,
    state: String,
    reason: Option<String>,
    payment_provider: String,
    payment_state: Option<String>,
    amount: i64,
    currency: Option<String>,
    created_at: OffsetDateTime,
}

const ORDERS: &str = "
    SELECT orders.uuid, orders.user_uuid, orders.event_uuid, orders.state, orders.reason, orders.payment_provider,
           payment_attempts.state AS payment_state, orders.amount, orders.currency, orders.created_at
    FROM orders LEFT JOIN payment_attempts ON payment_attempts.uuid = orders.uuid";

/// An order; `None` when there is none of this name.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn order(postgres: &Pool, uuid: OrderId) -> sqlx::Result<Option<Order>> {
    let rows = sqlx::query_as(sqlx::AssertSqlSafe(format!("{ORDERS} WHERE orders.uuid = $1")))
        .bind(uuid)
        .fetch_all(postgres)
        .await?;
    Ok(with_parts(postgres, rows).await?.pop())
}

/// A page of the user's orders, newest first, and how many there are in all.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn orders_of(postgres: &Pool, user: UserId, offset: i64, limit: i64) -> sqlx::Result<(Vec<Order>, i64)> {
    let rows = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{ORDERS} WHERE orders.user_uuid = $1 ORDER BY orders.id DESC OFFSET $2 LIMIT $3"
    )))
    .bind(user)
    .bind(offset)
    .bind(limit)
    .fetch_all(postgres)
    .await?;
    let total =
        sqlx::query_scalar("SELECT count(*) FROM orders WHERE user_uuid = $1").bind(user).fetch_one(postgres).await?;
    Ok((with_parts(postgres, rows).await?, total))
}

async fn with_parts(postgres: &Pool, rows: Vec<Row>) -> sqlx::Result<Vec<Order>> {
    let uuids: Vec<OrderId> = rows.iter().map(|row| row.uuid).collect();
    let tickets: Vec<OrderTicket> = sqlx::query_as(
        "SELECT orders.uuid AS order_uuid, order_tickets.ticket_uuid, order_tickets.seat, order_tickets.price
         FROM order_tickets JOIN orders ON orders.id = order_tickets.order_id
         WHERE orders.uuid = ANY ($1) ORDER BY order_tickets.id",
    )
    .bind(&uuids)
    .fetch_all(postgres)
    .await?;
    let history: Vec<HistoryEntry> = sqlx::query_as(
        "SELECT order_uuid, at, state, reason FROM order_history WHERE order_uuid = ANY ($1) ORDER BY id",
    )
    .bind(&uuids)
    .fetch_all(postgres)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Order {
                uuid: row.uuid,
                user: row.user_uuid,
                state: OrderState::parse(&row.state)?,
                tickets: tickets.iter().filter(|ticket| ticket.order_uuid == row.uuid).cloned().collect(),
                history: history.iter().filter(|entry| entry.order_uuid == row.uuid).cloned().collect(),
                event: row.event_uuid,
                reason: row.reason,
                provider: row.payment_provider,
                payment_state: row.payment_state,
                amount: row.amount,
                currency: row.currency,
                created_at: row.created_at,
            })
        })
        .collect()
}
