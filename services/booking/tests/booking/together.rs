//! Sales that come at the same time are made by one statement, and yet each for itself.

use std::time::Duration;

use futures::future::join_all;
use redis::AsyncCommands;
use reqwest::StatusCode;
use test_stores::given::{Event, Ticket};
use tokio::{task::JoinHandle, time::timeout};

use crate::{
    customer::{Answer, Customer},
    service::{Service, eventually},
};

const CUSTOMERS: usize = 20;
/// Statements that sell at the same time.
const TILLS: usize = 4;
/// Less than what PostgreSQL lets a transaction take, so that waiting for one that hangs would show.
const SOON: Duration = Duration::from_secs(4);

/// Customers who each hold a ticket and confirm it. The first ones keep all tills busy until all others have asked, who are then
/// served together.
struct Rush {
    service: Service,
    /// Of all but the last one, and of the last one.
    events: [Event; 2],
    held: Vec<(Customer, Ticket)>,
}

impl Rush {
    async fn prepare() -> Self {
        let service = Service::start().await;
        let others = i32::try_from(CUSTOMERS - 1).expect("a small number");
        let (event, mut tickets) = service.given_event_with_seats(others).await;
        let (last_event, last_tickets) = service.given_event_with_seats(1).await;
        tickets.extend(last_tickets);
        let held: Vec<_> = tickets.into_iter().map(|ticket| (service.customer(), ticket)).collect();
        for (customer, ticket) in &held {
            customer.reserve(ticket).await.is_ok();
        }
        Self { service, events: [event, last_event], held }
    }

    /// The answers to all but the last one, and the last one's when it comes.
    async fn confirm(&self) -> (Vec<Answer>, JoinHandle<Answer>) {
        let mut gate = self.service.stores.pool().begin().await.expect("a transaction");
        sqlx::query("LOCK TABLE orders IN EXCLUSIVE MODE").execute(&mut *gate).await.expect("locked");
        let confirm = |(customer, ticket): &(Customer, Ticket)| {
            let (customer, ticket) = (customer.clone(), ticket.clone());
            tokio::spawn(async move { customer.confirm(&ticket).await })
        };
        let (last, others) = self.held.split_last().expect("somebody");
        let (first, others) = others.split_at(TILLS);
        let mut sales = Vec::new();
        for buyer in first {
            sales.push(confirm(buyer));
            self.wait_for_busy_tills(sales.len()).await;
        }
        sales.extend(others.iter().map(confirm));
        self.wait_for_sales(CUSTOMERS - 1).await;
        let last = confirm(last);
        self.wait_for_sales(CUSTOMERS).await;
        gate.rollback().await.expect("released");
        let answers = timeout(SOON, join_all(sales)).await.expect("nobody waits for the last one");
        (answers.into_iter().map(|answer| answer.expect("an answer")).collect(), last)
    }

    async fn wait_for_busy_tills(&self, count: usize) {
        let waiting = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
             WHERE datname = current_database() AND relation = 'orders'::regclass AND NOT granted";
        eventually("the tills are busy", || async {
            let waiting: i64 =
                sqlx::query_scalar(waiting).fetch_one(self.service.stores.pool()).await.expect("a number");
            usize::try_from(waiting).is_ok_and(|waiting| waiting == count)
        })
        .await;
    }

    async fn wait_for_sales(&self, count: usize) {
        let redis = self.service.redis().await;
        eventually("the sales have begun", || async {
            let mut begun = 0;
            for event in &self.events {
                let marks: Vec<String> =
                    redis.clone().hvals(format!("event_seats:{}", event.uuid)).await.expect("Redis answers");
                begun += marks.iter().filter(|mark| mark.starts_with('s')).count();
            }
            begun == count
        })
        .await;
    }

    /// Each of all but the last one has its ticket, and several came by one transaction.
    async fn assert_sold_together(&self, answers: &[Answer]) {
        for (answer, (customer, ticket)) in answers.iter().zip(&self.held) {
            answer.is_ok();
            assert_eq!(self.service.stores.buyers(ticket).await, [customer.uuid.as_str()]);
        }
        let transactions: i64 =
            sqlx::query_scalar("SELECT count(DISTINCT xmin::text) FROM orders WHERE state = 'booked'")
                .fetch_one(self.service.stores.pool())
                .await
                .expect("a number");
        assert_eq!(transactions, TILLS as i64 + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_that_somebody_has_locked_makes_only_its_own_buyer_wait() {
    let rush = Rush::prepare().await;
    let (buyer, ticket) = rush.held.last().expect("somebody");
    let mut blocker = rush.service.stores.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM tickets WHERE id = $1 FOR UPDATE")
        .bind(ticket.id)
        .execute(&mut *blocker)
        .await
        .expect("a row lock");
    let (answers, last) = rush.confirm().await;
    rush.assert_sold_together(&answers).await;
    assert!(!last.is_finished(), "the seat is locked");
    blocker.rollback().await.expect("released");
    last.await.expect("an answer").is_ok();
    assert_eq!(rush.service.stores.buyers(ticket).await, [buyer.uuid.as_str()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seat_that_is_sold_by_whoever_has_locked_it_is_refused() {
    let rush = Rush::prepare().await;
    let (_, ticket) = rush.held.last().expect("somebody");
    let mut other = rush.service.stores.pool().begin().await.expect("a transaction");
    sqlx::query("UPDATE tickets SET status = 'booked' WHERE id = $1")
        .bind(ticket.id)
        .execute(&mut *other)
        .await
        .expect("sold");
    let (answers, last) = rush.confirm().await;
    rush.assert_sold_together(&answers).await;
    other.commit().await.expect("sold");
    last.await.expect("an answer").is_not_reserved();
    assert!(rush.service.stores.buyers(ticket).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_somebody_has_locked_makes_only_its_own_buyers_wait() {
    let rush = Rush::prepare().await;
    let (buyer, ticket) = rush.held.last().expect("somebody");
    let mut blocker = rush.service.stores.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM events WHERE id = $1 FOR UPDATE")
        .bind(rush.events[1].id)
        .execute(&mut *blocker)
        .await
        .expect("a row lock");
    let (answers, last) = rush.confirm().await;
    rush.assert_sold_together(&answers).await;
    assert!(!last.is_finished(), "the event is locked");
    blocker.rollback().await.expect("released");
    last.await.expect("an answer").is_ok();
    assert_eq!(rush.service.stores.buyers(ticket).await, [buyer.uuid.as_str()]);
}

/// The ticket looks as if it were for sale, which only the constraint on the tickets of orders knows better.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_that_breaks_a_constraint_spoils_no_other() {
    let rush = Rush::prepare().await;
    let (_, ticket) = rush.held.last().expect("somebody");
    let sold_before = "WITH earlier AS (
            INSERT INTO orders (user_uuid, state, payment_provider, amount)
            VALUES (gen_random_uuid()::text, 'stuck', 'free', 0) RETURNING id
        )
        INSERT INTO order_tickets (order_id, ticket_id, ticket_uuid, seat, price) SELECT id, $1, $2, 'A1', 0 FROM earlier";
    let pool = rush.service.stores.pool();
    sqlx::query(sold_before).bind(ticket.id).bind(&ticket.uuid).execute(pool).await.expect("sold before");
    let (answers, last) = rush.confirm().await;
    assert_eq!(last.await.expect("an answer").status, StatusCode::CONFLICT);
    for (answer, (customer, ticket)) in answers.iter().zip(&rush.held) {
        answer.is_ok();
        assert_eq!(rush.service.stores.buyers(ticket).await, [customer.uuid.as_str()]);
    }
}
