//! Orders as their buyer sees them.

use kit::postgres::Pool;
use seats::Sale;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{OrderState, parse_uuid, spelled};

/// An order with its tickets and its history.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its name.
    pub uuid: Uuid,
    /// The buyer.
    pub user: Uuid,
    /// The event, which may be gone by now.
    pub event_uuid: Option<String>,
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
    /// The order as the seats' marks know it.
    #[must_use]
    pub fn as_sale(&self) -> Sale {
        Sale {
            event_uuid: self.event_uuid.clone().unwrap_or_default(),
            user: self.user,
            attempt: self.uuid,
            tickets: self.tickets.iter().filter_map(|ticket| ticket.ticket_uuid.parse().ok()).collect(),
        }
    }
}

/// A ticket of an order. It keeps what was sold, whatever becomes of the ticket later.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OrderTicket {
    /// The order's uuid.
    order_uuid: String,
    /// The ticket.
    pub ticket_uuid: String,
    /// The seat it stands for.
    pub seat: String,
    /// Its price, in minor units of the currency.
    pub price: i64,
}

/// A state that an order came into.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct HistoryEntry {
    /// The order's uuid.
    order_uuid: String,
    /// When.
    pub at: OffsetDateTime,
    /// The state.
    pub state: String,
    /// Why, where there is something to say.
    pub reason: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    uuid: String,
    user_uuid: String,
    event_uuid: Option<String>,
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
pub async fn order(postgres: &Pool, uuid: Uuid) -> sqlx::Result<Option<Order>> {
    let rows = sqlx::query_as(sqlx::AssertSqlSafe(format!("{ORDERS} WHERE orders.uuid = $1")))
        .bind(uuid.to_string())
        .fetch_all(postgres)
        .await?;
    Ok(with_parts(postgres, rows).await?.pop())
}

/// A page of the user's orders, newest first, and how many there are in all.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn orders_of(postgres: &Pool, user: Uuid, offset: i64, limit: i64) -> sqlx::Result<(Vec<Order>, i64)> {
    let rows = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{ORDERS} WHERE orders.user_uuid = $1 ORDER BY orders.id DESC OFFSET $2 LIMIT $3"
    )))
    .bind(user.to_string())
    .bind(offset)
    .bind(limit)
    .fetch_all(postgres)
    .await?;
    let total = sqlx::query_scalar("SELECT count(*) FROM orders WHERE user_uuid = $1")
        .bind(user.to_string())
        .fetch_one(postgres)
        .await?;
    Ok((with_parts(postgres, rows).await?, total))
}

async fn with_parts(postgres: &Pool, rows: Vec<Row>) -> sqlx::Result<Vec<Order>> {
    let uuids: Vec<Uuid> = rows.iter().map(|row| parse_uuid(&row.uuid)).collect::<sqlx::Result<_>>()?;
    let tickets: Vec<OrderTicket> = sqlx::query_as(
        "SELECT orders.uuid AS order_uuid, order_tickets.ticket_uuid, order_tickets.seat, order_tickets.price
         FROM order_tickets JOIN orders ON orders.id = order_tickets.order_id
         WHERE orders.uuid = ANY ($1) ORDER BY order_tickets.id",
    )
    .bind(spelled(&uuids))
    .fetch_all(postgres)
    .await?;
    let history: Vec<HistoryEntry> = sqlx::query_as(
        "SELECT order_uuid, at, state, reason FROM order_history WHERE order_uuid = ANY ($1) ORDER BY id",
    )
    .bind(spelled(&uuids))
    .fetch_all(postgres)
    .await?;
    rows.into_iter()
        .zip(uuids)
        .map(|(row, uuid)| {
            Ok(Order {
                uuid,
                user: parse_uuid(&row.user_uuid)?,
                state: OrderState::parse(&row.state)?,
                tickets: tickets.iter().filter(|ticket| ticket.order_uuid == row.uuid).cloned().collect(),
                history: history.iter().filter(|entry| entry.order_uuid == row.uuid).cloned().collect(),
                event_uuid: row.event_uuid,
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
