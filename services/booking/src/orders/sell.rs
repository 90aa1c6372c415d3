//! Writing free orders: one statement for all that arrive together.

use std::collections::HashSet;

use ids::OrderId;
use seats::SaleAttempt;

use super::{Decision, Orders, Purchase, lifecycle::SELL_FREE, model::Provider};

/// A free order to be written.
pub(crate) type FreeOrder = (SaleAttempt, Purchase);

/// `$locked` is the locking clause for rows that another transaction holds.
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

/// Writes free orders: locks the seats in the order of their ids, books them, and writes each order with its tickets
/// and the key under which its client may repeat the call. An order is left out if it has a row already, or if one of
/// its tickets is not available. The statement is its own transaction.
///
/// Its parameters are [`SELL_PARAMETERS`]. It answers with the ids of the orders written. A unique violation means that
/// a ticket belongs to another order, or that another call came under the same key; then nothing is written.
pub const SELL: &str = sell!("");

/// The same statement, but it leaves out an order if one of its seats or its event (which the order refers to) is
/// locked by another transaction. So no order of the batch waits for another one's seat.
const SELL_UNLOCKED: &str = sell!("SKIP LOCKED FOR KEY SHARE OF events SKIP LOCKED");

/// What `$1`, `$2`, … of [`SELL`] are. The first two name each ticket and its order. The others have one element for
/// each order, except `currency`, which is one text. `counts` is a `bigint[]`, all others are `text[]`; `holds`, `keys`
/// and `fingerprints` may contain nulls.
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

impl Orders {
    /// Writes the orders whose seats and events no other transaction has locked. Returns their ids.
    pub(crate) async fn sell_unlocked(&self, orders: &[&FreeOrder]) -> sqlx::Result<HashSet<OrderId>> {
        Ok(self.write(SELL_UNLOCKED, orders).await?.into_iter().collect())
    }

    /// Writes one order. Waits for a transaction that has locked one of its seats.
    pub(crate) async fn sell(&self, order: &FreeOrder) -> sqlx::Result<Decision> {
        let written = self.write(SELL, &[order]).await.map(|written| written.len() as i64);
        self.decided(&order.0, Provider::Free, written, SELL_FREE).await
    }

    async fn write(&self, statement: &'static str, orders: &[&FreeOrder]) -> sqlx::Result<Vec<OrderId>> {
        let tickets = orders.iter().flat_map(|(sale, _)| sale.tickets.iter().map(|ticket| (*ticket, sale.order)));
        let (tickets, their_orders): (Vec<_>, Vec<_>) = tickets.unzip();
        sqlx::query_scalar(statement)
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
            .fetch_all(&self.postgres)
            .await
    }
}

/// A parameter with one element for each order.
fn each<'o, T>(orders: &[&'o FreeOrder], element: impl Fn(&'o FreeOrder) -> T) -> Vec<T> {
    orders.iter().copied().map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_writes_the_states_of_the_table() {
        let written = format!("'{}', '{}'", SELL_FREE.order.as_str(), Provider::Free.as_str());
        assert!(SELL.contains(&written), "{written} is not in {SELL}");
        assert_eq!(SELL_FREE.payment, None, "the statement writes no payment");
    }
}
