//! Orders as their buyer sees them.

use ids::{EventId, OrderId, TicketId, UserId};
use seats::SaleAttempt;
use time::OffsetDateTime;

use super::{OrderState, Orders, PaymentState};

/// An order with its tickets and its history.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    /// The buyer.
    pub(crate) user: UserId,
    /// The event, which may have been deleted since. `None` for an order of an early version, which did not write it.
    pub(crate) event: Option<EventId>,
    pub(crate) state: OrderState,
    /// Why it is in this state, if there is something to say.
    pub(crate) reason: Option<String>,
    /// `free` or `stripe`.
    pub(crate) provider: String,
    /// How far the payment has come, if there is one.
    pub(crate) payment_state: Option<String>,
    /// The sum of the prices, in minor units of the currency.
    pub(crate) amount: i64,
    /// ISO 4217, lower case.
    pub(crate) currency: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) tickets: Vec<OrderTicket>,
    /// All its states, oldest first.
    pub(crate) history: Vec<HistoryEntry>,
}

impl Order {
    /// The order as the marks of its seats know it, if its event is known.
    pub(crate) fn attempt(&self) -> Option<SaleAttempt> {
        Some(SaleAttempt {
            event: self.event?,
            user: self.user,
            order: self.id,
            tickets: self.tickets.iter().map(|ticket| ticket.ticket).collect(),
        })
    }

    /// Whether the payment waits for the customer.
    pub(crate) fn waits_for_customer(&self) -> bool {
        self.payment_state.as_deref() == Some(PaymentState::RequiresAction.as_str())
    }
}

/// A ticket of an order. It keeps what was sold, whatever becomes of the ticket later.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct OrderTicket {
    order_uuid: OrderId,
    #[sqlx(rename = "ticket_uuid")]
    pub(crate) ticket: TicketId,
    pub(crate) seat: String,
    /// In minor units of the currency.
    pub(crate) price: i64,
}

/// A state that an order came into.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct HistoryEntry {
    order_uuid: OrderId,
    pub(crate) at: OffsetDateTime,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    uuid: OrderId,
    user_uuid: UserId,
    event_uuid: Option<EventId>,
    #[sqlx(try_from = "String")]
    state: OrderState,
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

impl Orders {
    /// An order of this user's; `None` when the user has no such order.
    pub(crate) async fn find(&self, order: OrderId, user: UserId) -> sqlx::Result<Option<Order>> {
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(format!("{ORDERS} WHERE orders.uuid = $1")))
            .bind(order)
            .fetch_all(&self.postgres)
            .await?;
        Ok(self.with_parts(rows).await?.pop().filter(|order| order.user == user))
    }

    /// A page of the user's orders, newest first, and how many there are in all.
    pub(crate) async fn list(&self, user: UserId, offset: u32, limit: u32) -> sqlx::Result<(Vec<Order>, i64)> {
        let orders = match self.page(user, offset, limit).await {
            Err(sqlx::Error::ColumnDecode { .. }) => self.readable_of_page(user, offset, limit).await?,
            page => page?,
        };
        let total = sqlx::query_scalar("SELECT count(*) FROM orders WHERE user_uuid = $1")
            .bind(user)
            .fetch_one(&self.postgres)
            .await?;
        Ok((orders, total))
    }

    async fn page(&self, user: UserId, offset: u32, limit: u32) -> sqlx::Result<Vec<Order>> {
        let rows = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{ORDERS} WHERE orders.user_uuid = $1 ORDER BY orders.id DESC OFFSET $2 LIMIT $3"
        )))
        .bind(user)
        .bind(i64::from(offset))
        .bind(i64::from(limit))
        .fetch_all(&self.postgres)
        .await?;
        self.with_parts(rows).await
    }

    /// The orders of a page that can be read. The schema does not check the ids that an order names, so a row that was
    /// changed by hand may hold one that is no UUID. It must not hide the user's other orders.
    async fn readable_of_page(&self, user: UserId, offset: u32, limit: u32) -> sqlx::Result<Vec<Order>> {
        let ids: Vec<OrderId> =
            sqlx::query_scalar("SELECT uuid FROM orders WHERE user_uuid = $1 ORDER BY id DESC OFFSET $2 LIMIT $3")
                .bind(user)
                .bind(i64::from(offset))
                .bind(i64::from(limit))
                .fetch_all(&self.postgres)
                .await?;
        let mut orders = Vec::new();
        for order in ids {
            match self.find(order, user).await {
                // The error names the column.
                Err(error @ sqlx::Error::ColumnDecode { .. }) => {
                    tracing::error!(%order, %error, "an order cannot be read");
                }
                found => orders.extend(found?),
            }
        }
        Ok(orders)
    }

    async fn with_parts(&self, rows: Vec<Row>) -> sqlx::Result<Vec<Order>> {
        let ids: Vec<OrderId> = rows.iter().map(|row| row.uuid).collect();
        let tickets: Vec<OrderTicket> = sqlx::query_as(
            "SELECT orders.uuid AS order_uuid, order_tickets.ticket_uuid, order_tickets.seat, order_tickets.price
             FROM order_tickets JOIN orders ON orders.id = order_tickets.order_id
             WHERE orders.uuid = ANY ($1) ORDER BY order_tickets.id",
        )
        .bind(&ids)
        .fetch_all(&self.postgres)
        .await?;
        let history: Vec<HistoryEntry> = sqlx::query_as(
            "SELECT order_uuid, at, state, reason FROM order_history WHERE order_uuid = ANY ($1) ORDER BY id",
        )
        .bind(&ids)
        .fetch_all(&self.postgres)
        .await?;
        let order = |row: Row| Order {
            id: row.uuid,
            user: row.user_uuid,
            event: row.event_uuid,
            state: row.state,
            reason: row.reason,
            provider: row.payment_provider,
            payment_state: row.payment_state,
            amount: row.amount,
            currency: row.currency,
            created_at: row.created_at,
            tickets: tickets.iter().filter(|ticket| ticket.order_uuid == row.uuid).cloned().collect(),
            history: history.iter().filter(|entry| entry.order_uuid == row.uuid).cloned().collect(),
        };
        Ok(rows.into_iter().map(order).collect())
    }

    /// The booked order under which all these tickets are this user's: a customer whose answer was lost asks again.
    pub(crate) async fn find_booked(&self, tickets: &[TicketId], user: UserId) -> sqlx::Result<Option<OrderId>> {
        sqlx::query_scalar(
            "SELECT orders.uuid
             FROM order_tickets
             JOIN orders ON orders.id = order_tickets.order_id
             JOIN tickets ON tickets.id = order_tickets.ticket_id
             WHERE order_tickets.ticket_uuid = ANY ($1) AND tickets.status = 'booked'
               AND orders.user_uuid = $2 AND orders.state = $3
             GROUP BY orders.uuid HAVING count(*) = cardinality($1)",
        )
        .bind(tickets)
        .bind(user)
        .bind(OrderState::Booked.as_str())
        .fetch_optional(&self.postgres)
        .await
    }

    /// How many tickets of the event the user has bought, without these.
    pub(crate) async fn count_bought(&self, user: UserId, event: EventId, without: &[TicketId]) -> sqlx::Result<u64> {
        let bought: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM order_tickets JOIN orders ON orders.id = order_tickets.order_id
             WHERE orders.user_uuid = $1 AND orders.event_uuid = $2 AND order_tickets.ticket_id IS NOT NULL
               AND order_tickets.ticket_uuid <> ALL ($3)",
        )
        .bind(user)
        .bind(event)
        .bind(without)
        .fetch_one(&self.postgres)
        .await?;
        Ok(u64::try_from(bought).unwrap_or_default())
    }
}
