//! Sales without a payment, written in batches.

use std::{collections::HashSet, sync::Arc, time::Duration};

use kit::{batching::Batching, postgres::ErrorKind};
use seats::SaleAttempt;
use tokio::time::timeout;

use crate::orders::{Decision, OrderState, Orders, Purchase, sell::FreeOrder};

/// How many statements run at the same time: while one waits for the disk, another is worked on.
const CONCURRENCY: usize = 4;
/// The most orders that one statement writes. Each may have as many tickets as a hold can have.
const BATCH: usize = 64;
/// The longest that an order waits for its batch. After that its outcome is not known to the caller.
const TURN_WITHIN: Duration = Duration::from_secs(4);

type SharedError = Arc<sqlx::Error>;

/// Writes free orders in batches. Orders that arrive while a batch runs form the next one: one statement, one commit.
/// An order that cannot share a batch is then tried alone, so its error is its own. Clones share the batches.
#[derive(Clone)]
pub struct FreeOrderWriter {
    orders: Orders,
    /// Answers whether an order was written. If not, another order of the batch may be the cause.
    batches: Batching<FreeOrder, Result<bool, SharedError>>,
}

impl FreeOrderWriter {
    /// Starts the tasks that write; to be called within a runtime.
    #[must_use]
    pub fn start(orders: Orders) -> Self {
        let writing = orders.clone();
        let batches = Batching::start(CONCURRENCY, BATCH, move |batch: Vec<FreeOrder>| {
            let orders = writing.clone();
            async move { sell_together(&orders, &batch).await }
        });
        Self { orders, batches }
    }

    /// Sells the tickets, unless the attempt was decided before, and returns the decision.
    ///
    /// # Errors
    /// When PostgreSQL fails. The outcome is not known then: the statement may have committed. The sweeper finds out.
    pub async fn sell(&self, attempt: &SaleAttempt, purchase: &Purchase) -> Result<Decision, SharedError> {
        let turn = timeout(TURN_WITHIN, self.batches.ask((attempt.clone(), purchase.clone()))).await;
        let written = turn.map_err(|_| sqlx::Error::PoolTimedOut)?.ok_or(sqlx::Error::WorkerCrashed)??;
        if written {
            return Ok(Decision { state: OrderState::Booked, reason: None });
        }
        // Alone it waits for the transaction that has locked a seat, and gets only its own errors.
        Ok(self.orders.sell(&(attempt.clone(), purchase.clone())).await?)
    }
}

async fn sell_together(orders: &Orders, batch: &[FreeOrder]) -> Vec<Result<bool, SharedError>> {
    let written = match orders.sell_unlocked(&compatible(batch)).await {
        Ok(written) => written,
        Err(error) if concerns_all(&error) => return vec![Err(Arc::new(error)); batch.len()],
        // Nothing was written, perhaps because of one of them.
        Err(_) => HashSet::new(),
    };
    batch.iter().map(|(attempt, _)| Ok(written.contains(&attempt.order))).collect()
}

/// The orders without those that would fail for all: a later one for the same ticket, or under the same key.
fn compatible(batch: &[FreeOrder]) -> Vec<&FreeOrder> {
    let (mut tickets, mut keys) = (HashSet::new(), HashSet::new());
    let fits = |(attempt, purchase): &&FreeOrder| {
        let key = purchase.key.as_ref().map(|key| (attempt.user, key.text.clone()));
        attempt.tickets.iter().all(|ticket| tickets.insert(*ticket)) && key.is_none_or(|key| keys.insert(key))
    };
    batch.iter().filter(fits).collect()
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

#[cfg(test)]
mod tests {
    use ids::{EventId, OrderId, PaymentMethodId, TicketId, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::orders::idempotency::Key;

    fn order(user: u128, ticket: u128, key: Option<&str>) -> FreeOrder {
        let attempt = SaleAttempt {
            event: EventId::random(),
            user: UserId(Uuid::from_u128(user)),
            order: OrderId::by_time(),
            tickets: vec![TicketId(Uuid::from_u128(ticket))],
        };
        let key = key.map(|text| Key::new(text.to_owned(), &[]));
        (attempt, Purchase { payment_method: PaymentMethodId::random(), hold: None, currency: "eur", key })
    }

    #[test]
    fn a_batch_has_the_first_order_for_each_ticket_and_the_first_under_each_key() {
        let orders = [
            order(1, 11, Some("a")),
            order(2, 11, None),
            order(1, 13, Some("a")),
            order(2, 14, Some("a")),
            order(1, 15, Some("b")),
            order(1, 16, None),
            order(2, 17, None),
        ];
        let tickets: Vec<_> = compatible(&orders).iter().map(|(attempt, _)| attempt.tickets[0].0.as_u128()).collect();
        assert_eq!(tickets, [11, 14, 15, 16, 17]);
    }
}
