//! Free orders that arrive together are written by one statement, and each has its own outcome.

use std::sync::Arc;

use booking::for_tests::{Decision, FreeOrderWriter, OrderState, Orders, Purchase, SESSION};
use futures::future::join_all;
use ids::{EventId, OrderId, PaymentMethodId, UserId};
use kit::{
    postgres::Pool,
    settings::{Environment, PostgresSettings},
};
use seats::SaleAttempt;
use testbed::{TestDatabase, given, given::Ticket};
use tokio::task::JoinHandle;

const BUYERS: i32 = 20;

/// Buyers of one ticket each. The last ticket belongs to another event.
struct Rush {
    database: TestDatabase,
    free_orders: FreeOrderWriter,
    last_event: i64,
    tickets: Vec<Ticket>,
}

/// The decision about a sale, or why it is not known.
type Sold = Result<Decision, Arc<sqlx::Error>>;

impl Rush {
    async fn prepare() -> Self {
        let database = TestDatabase::create().await;
        let mut env = Environment::from_pairs(database.environment());
        let settings = PostgresSettings::read(&mut env);
        let settings = env.finish(settings).expect("settings");
        let (_, mut tickets) = given::event_with_seats(&database.pool, BUYERS - 1).await;
        let (last_event, last) = given::event_with_seats(&database.pool, 1).await;
        tickets.extend(last);
        let free_orders = FreeOrderWriter::start(Orders::new(Pool::with_parameters(&settings, SESSION)));
        Self { database, free_orders, last_event: last_event.id, tickets }
    }

    fn last(&self) -> &Ticket {
        self.tickets.last().expect("a ticket")
    }

    /// The outcomes of all buyers but the last, and the last buyer's to come. On the one thread of the test all of them
    /// ask before any is served, so they share a batch.
    async fn sell(&self) -> (Vec<Sold>, JoinHandle<Sold>) {
        let mut sales: Vec<_> =
            self.tickets.iter().map(|ticket| tokio::spawn(sell(self.free_orders.clone(), ticket.clone()))).collect();
        let last = sales.pop().expect("a sale");
        (join_all(sales).await.into_iter().map(|sold| sold.expect("no panic")).collect(), last)
    }

    /// Checks that all buyers but the last have their tickets, by this number of transactions.
    async fn assert_sold(&self, sold: Vec<Sold>, transactions: i64) {
        for sold in sold {
            assert_eq!(sold.expect("a decision").state, OrderState::Booked);
        }
        let counted: (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(DISTINCT orders.xmin::text)
             FROM orders JOIN order_tickets ON order_id = orders.id JOIN tickets ON tickets.id = ticket_id
             WHERE orders.state = 'booked' AND tickets.status = 'booked' AND tickets.id <> $1",
        )
        .bind(self.last().id)
        .fetch_one(&self.database.pool)
        .await
        .expect("two numbers");
        assert_eq!(counted, (i64::from(BUYERS) - 1, transactions));
    }

    /// A transaction that has changed or locked a row.
    async fn transaction(&self, statement: &'static str, id: i64) -> sqlx::Transaction<'static, sqlx::Postgres> {
        let mut transaction = self.database.pool.begin().await.expect("a transaction");
        sqlx::query(statement).bind(id).execute(&mut *transaction).await.expect("a row");
        transaction
    }
}

async fn sell(free_orders: FreeOrderWriter, ticket: Ticket) -> Sold {
    let sale = SaleAttempt {
        event: EventId::random(),
        user: UserId::random(),
        order: OrderId::by_time(),
        tickets: vec![ticket.uuid],
    };
    let purchase = Purchase { payment_method: PaymentMethodId::random(), hold: None, currency: "eur", key: None };
    free_orders.sell(&sale, &purchase).await
}

#[tokio::test]
async fn a_seat_that_somebody_has_locked_makes_only_its_own_buyer_wait() {
    let rush = Rush::prepare().await;
    let blocker = rush.transaction("SELECT FROM tickets WHERE id = $1 FOR UPDATE", rush.last().id).await;
    only_the_last_one_waits(&rush, blocker).await;
}

#[tokio::test]
async fn an_event_that_somebody_has_locked_makes_only_its_own_buyers_wait() {
    let rush = Rush::prepare().await;
    let blocker = rush.transaction("SELECT FROM events WHERE id = $1 FOR UPDATE", rush.last_event).await;
    only_the_last_one_waits(&rush, blocker).await;
}

async fn only_the_last_one_waits(rush: &Rush, blocker: sqlx::Transaction<'static, sqlx::Postgres>) {
    let (sold, last) = rush.sell().await;
    rush.assert_sold(sold, 1).await;
    assert!(!last.is_finished(), "its row is locked");
    blocker.rollback().await.expect("released");
    assert_eq!(last.await.expect("no panic").expect("a decision").state, OrderState::Booked);
}

#[tokio::test]
async fn a_seat_that_is_sold_by_the_transaction_that_has_locked_it_is_refused() {
    let rush = Rush::prepare().await;
    let other = rush.transaction("UPDATE tickets SET status = 'booked' WHERE id = $1", rush.last().id).await;
    let (sold, last) = rush.sell().await;
    rush.assert_sold(sold, 1).await;
    other.commit().await.expect("sold");
    assert_eq!(last.await.expect("no panic").expect("a decision").state, OrderState::Cancelled);
}

/// The ticket seems to be available; only the constraint on the tickets of orders knows that it is sold.
#[tokio::test]
async fn a_sale_that_breaks_a_constraint_fails_no_other() {
    let rush = Rush::prepare().await;
    let sold_before = "WITH earlier AS (
            INSERT INTO orders (user_uuid, state, payment_provider, amount)
            VALUES (gen_random_uuid()::text, 'stuck', 'free', 0) RETURNING id
        )
        INSERT INTO order_tickets (order_id, ticket_id, ticket_uuid, seat, price)
        SELECT earlier.id, tickets.id, tickets.uuid, seat, price FROM earlier, tickets WHERE tickets.id = $1";
    rush.transaction(sold_before, rush.last().id).await.commit().await.expect("sold before");
    let (sold, last) = rush.sell().await;
    rush.assert_sold(sold, i64::from(BUYERS) - 1).await;
    assert_eq!(last.await.expect("no panic").expect("a decision").state, OrderState::Cancelled);
}
