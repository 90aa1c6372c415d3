//! Sales without a payment: one statement for all who want to buy at the same time.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ids::OrderId;
use kit::{
    batching::Batching,
    postgres::{ErrorKind, Pool},
};
use seats::SaleAttempt;
use tokio::time::timeout;

use super::{
    FREE, OrderState,
    decision::{Decision, Purchase, decided},
};
use crate::failure::Failure;

/// Statements that run at the same time: while one waits for the disk, another is being worked on.
const TILLS: usize = 4;
/// Orders written by one statement, at most. Each may have as many tickets as a hold can have.
const BATCH: usize = 64;
/// The longest that a sale waits for its turn and the batch that it is in. Who waits longer hears that the outcome is not known.
const TURN_WITHIN: Duration = Duration::from_secs(4);

/// What is left to say is what becomes of a seat whose row, or its event's, somebody else has locked.
macro_rules! sell {
    ($locked:literal) => {
        concat!(
            "
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
            AS wanted (uuid, tickets, user_uuid, payment_method, event_uuid, hold, key, fingerprint)
    ), seat AS MATERIALIZED (
        SELECT tickets.id, tickets.uuid, tickets.event_id, tickets.seat, tickets.price, asked.order_uuid
        FROM unnest($1::text[], $2::text[]) AS asked (ticket, order_uuid)
        JOIN tickets ON tickets.uuid = asked.ticket JOIN events ON events.id = tickets.event_id
        WHERE tickets.status = 'available' AND events.date >= now() AND events.cancelled_at IS NULL
        ORDER BY tickets.id
        FOR NO KEY UPDATE OF tickets ",
            $locked,
            "
    ), whole AS (
        SELECT order_uuid, min(event_id) AS event_id, count(*) AS tickets, sum(price)::bigint AS amount
        FROM seat GROUP BY order_uuid HAVING min(event_id) = max(event_id)
    ), placed AS (
        INSERT INTO orders (uuid, user_uuid, event_id, event_uuid, state, payment_provider, payment_method_uuid, amount,
                            currency, hold_uuid)
        SELECT wanted.uuid, wanted.user_uuid, whole.event_id, wanted.event_uuid, 'booked', 'free', wanted.payment_method,
               whole.amount, $11, wanted.hold
        FROM wanted JOIN whole ON whole.order_uuid = wanted.uuid AND whole.tickets = wanted.tickets
        ON CONFLICT (uuid) DO NOTHING
        RETURNING id, uuid
    ), taken AS (
        SELECT placed.id AS order_id, seat.* FROM placed JOIN seat ON seat.order_uuid = placed.uuid
    ), sold AS (
        UPDATE tickets SET status = 'booked' FROM taken WHERE tickets.id = taken.id
    ), listed AS (
        INSERT INTO order_tickets (order_id, ticket_id, ticket_uuid, seat, price)
        SELECT order_id, id, uuid, seat, price FROM taken
    ), keyed AS (
        INSERT INTO idempotency_keys (user_uuid, operation, key, fingerprint, order_uuid)
        SELECT wanted.user_uuid, 'order', wanted.key, wanted.fingerprint, wanted.uuid
        FROM wanted JOIN placed ON placed.uuid = wanted.uuid WHERE wanted.key IS NOT NULL
    )
    SELECT uuid FROM placed"
        )
    };
}

/// Writes the orders whose tickets can all be had: locks the seats in the order of their ids, books them, and writes each order with
/// its tickets and the key under which its client may repeat the call. An order that has a row already, or for one of whose
/// tickets there is something in the way, is left out. It is its own transaction.
///
/// Its parameters are [`SELL_PARAMETERS`]. Answers with the names of the orders written. A unique violation says that a ticket belongs
/// to another order, or that another call came under the same key; then nothing is written. Public, for `bench/` lets PostgreSQL
/// run it without the service.
pub const SELL: &str = sell!("");

/// The same, but for seats whose row is locked, or their event's (which the order refers to): these cannot be had, so that nobody waits
/// for another's seat.
const SELL_UNLOCKED: &str = sell!("SKIP LOCKED FOR KEY SHARE OF events SKIP LOCKED");

/// What `$1`, `$2`, … of [`SELL`] are. The first two name each ticket and its order. The others, but for the currency, have an element
/// for each order; `counts` is a `bigint[]`, all others are `text[]`, and `holds`, `keys` and `fingerprints` may have nulls.
pub const SELL_PARAMETERS: &[&str] = &[
    "tickets",
    "their_orders",
    "orders",
    "counts",
    "users",
    "payment_methods",
    "events",
    "holds",
    "keys",
    "fingerprints",
    "currency",
];

type Order = (SaleAttempt, Purchase);

/// Sells. Cloning shares it.
#[derive(Clone)]
pub struct Till {
    postgres: Pool,
    /// Whether an order was written. If not, it may have been for another order's sake.
    together: Batching<Order, Result<bool, Arc<sqlx::Error>>>,
}

impl Till {
    /// Starts the tasks that sell. To be called within a runtime.
    pub fn start(postgres: Pool) -> Self {
        let selling = postgres.clone();
        let together = Batching::start(TILLS, BATCH, move |orders: Vec<Order>| {
            let postgres = selling.clone();
            async move { sell_together(&postgres, &orders).await }
        });
        Self { postgres, together }
    }

    /// Sells the tickets, unless the attempt has its decision already, and returns what was decided.
    ///
    /// # Errors
    /// When PostgreSQL fails. Then the outcome is not known: the statement may have committed. [`cancel_unborn`] finds out.
    ///
    /// [`cancel_unborn`]: super::decision::cancel_unborn
    pub async fn sell(&self, sale: &SaleAttempt, purchase: &Purchase) -> Result<Decision, Failure> {
        let turn = timeout(TURN_WITHIN, self.together.ask((sale.clone(), purchase.clone()))).await;
        let written = turn.map_err(|_| sqlx::Error::PoolTimedOut)?.ok_or(sqlx::Error::WorkerCrashed)??;
        if written {
            return Ok(Decision { state: OrderState::Booked, reason: None });
        }
        // On its own it waits for whoever has locked a seat, and hears what is wrong with itself and nobody else.
        let order = (sale.clone(), purchase.clone());
        let written = write(&self.postgres, SELL, &[&order]).await.map(|written| written.len() as i64);
        Ok(decided(&self.postgres, sale, FREE, written, OrderState::Booked).await?)
    }
}

async fn sell_together(postgres: &Pool, orders: &[Order]) -> Vec<Result<bool, Arc<sqlx::Error>>> {
    let written = match write(postgres, SELL_UNLOCKED, &compatible(orders)).await {
        Ok(written) => written,
        Err(error) if concerns_all(&error) => return vec![Err(Arc::new(error)); orders.len()],
        // Nothing was written, perhaps because of one of them.
        Err(_) => HashSet::new(),
    };
    orders.iter().map(|(sale, _)| Ok(written.contains(&sale.order))).collect()
}

/// The orders without those that would spoil it for others: a later one for the same ticket, or under the same key.
fn compatible(orders: &[Order]) -> Vec<&Order> {
    let (mut tickets, mut keys) = (HashSet::new(), HashSet::new());
    let fits = |(sale, purchase): &&Order| {
        let key = purchase.key.as_ref().map(|key| (sale.user, key.text.clone()));
        sale.tickets.iter().all(|ticket| tickets.insert(*ticket)) && key.is_none_or(|key| keys.insert(key))
    };
    orders.iter().filter(fits).collect()
}

/// Whether each order on its own would fare no better.
fn concerns_all(error: &sqlx::Error) -> bool {
    match ErrorKind::of(error) {
        // The connection is lost, the server is read-only, full or going down, or an operator cancels what runs.
        Some(
            ErrorKind::ConnectionLost
            | ErrorKind::SessionEnded
            | ErrorKind::ReadOnly
            | ErrorKind::Resources
            | ErrorKind::Cancelled,
        ) => true,
        // One of the orders may be the cause: it conflicts with others, took too long, or violates a constraint.
        Some(_) => false,
        // Without an answer from the server nothing is known of any of them.
        None => true,
    }
}

/// Runs [`SELL`] or [`SELL_UNLOCKED`].
async fn write(postgres: &Pool, statement: &'static str, orders: &[&Order]) -> sqlx::Result<HashSet<OrderId>> {
    let tickets = orders.iter().flat_map(|(sale, _)| sale.tickets.iter().map(|ticket| (*ticket, sale.order)));
    let (tickets, their_orders): (Vec<_>, Vec<_>) = tickets.unzip();
    let written: Vec<OrderId> = sqlx::query_scalar(statement)
        .bind(tickets)
        .bind(their_orders)
        .bind(each(orders, |(sale, _)| sale.order))
        .bind(each(orders, |(sale, _)| sale.tickets.len() as i64))
        .bind(each(orders, |(sale, _)| sale.user))
        .bind(each(orders, |(_, purchase)| purchase.payment_method))
        .bind(each(orders, |(sale, _)| sale.event))
        .bind(each(orders, |(_, purchase)| purchase.hold))
        .bind(each(orders, |(_, purchase)| purchase.key.as_ref().map(|key| key.text.as_str())))
        .bind(each(orders, |(_, purchase)| purchase.key.as_ref().map(|key| key.fingerprint.as_str())))
        .bind(orders.first().map(|(_, purchase)| purchase.currency))
        .fetch_all(postgres)
        .await?;
    Ok(written.into_iter().collect())
}

/// A parameter with one element for each order.
fn each<'o, T>(orders: &[&'o Order], element: impl Fn(&'o Order) -> T) -> Vec<T> {
    orders.iter().copied().map(element).collect()
}

#[cfg(test)]
mod tests {
    use ids::{EventId, PaymentMethodId, TicketId, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::orders::idempotency::Key;

    fn order(user: u128, ticket: u128, key: Option<&str>) -> Order {
        let sale = SaleAttempt {
            event: EventId::random(),
            user: UserId(Uuid::from_u128(user)),
            order: OrderId::by_time(),
            tickets: vec![TicketId(Uuid::from_u128(ticket))],
        };
        let key = key.map(|text| Key::new(text.to_owned(), &[]));
        (sale, Purchase { payment_method: PaymentMethodId::random(), hold: None, currency: "eur", key })
    }

    #[test]
    fn the_first_order_for_a_ticket_and_the_first_under_a_key_are_written_together_with_all_others() {
        let orders = [
            order(1, 11, Some("a")),
            order(2, 11, None),
            order(1, 13, Some("a")),
            order(2, 14, Some("a")),
            order(1, 15, Some("b")),
            order(1, 16, None),
            order(2, 17, None),
        ];
        let tickets: Vec<_> = compatible(&orders).iter().map(|(sale, _)| sale.tickets[0].0.as_u128()).collect();
        assert_eq!(tickets, [11, 14, 15, 16, 17]);
    }
}
