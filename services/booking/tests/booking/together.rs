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
/// Less than what PostgreSQL lets a transaction take, so that waiting for one that hangs would show.
const SOON: Duration = Duration::from_secs(4);

/// Customers who each hold a ticket and confirm it, the last one after all others. PostgreSQL begins with them when all have
/// asked.
struct Rush {
    service: Service,
    event: Event,
    held: Vec<(Customer, Ticket)>,
}

impl Rush {
    async fn prepare() -> Self {
        let service = Service::start().await;
        let (event, tickets) = service.given_event_with_seats(i32::try_from(CUSTOMERS).expect("a small number")).await;
        let held: Vec<_> = tickets.into_iter().map(|ticket| (service.customer(), ticket)).collect();
        for (customer, ticket) in &held {
            customer.reserve(ticket).await.is_ok();
        }
        Self { service, event, held }
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
        let others: Vec<_> = others.iter().map(confirm).collect();
        self.wait_for_sales(CUSTOMERS - 1).await;
        let last = confirm(last);
        self.wait_for_sales(CUSTOMERS).await;
        gate.rollback().await.expect("released");
        let answers = timeout(SOON, join_all(others)).await.expect("nobody waits for the last one");
        (answers.into_iter().map(|answer| answer.expect("an answer")).collect(), last)
    }

    async fn wait_for_sales(&self, count: usize) {
        let redis = self.service.redis().await;
        let marks = format!("event_seats:{}", self.event.uuid);
        eventually("the sales have begun", || async {
            let marks: Vec<String> = redis.clone().hvals(&marks).await.expect("Redis answers");
            marks.iter().filter(|mark| mark.starts_with('s')).count() == count
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
        assert!(transactions < answers.len() as i64, "{transactions} transactions for {} sales", answers.len());
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
async fn an_event_that_somebody_has_locked_makes_its_own_buyers_wait_and_no_others() {
    let rush = Rush::prepare().await;
    let (event, tickets) = rush.service.given_event_with_seats(1).await;
    let (buyer, ticket) = (rush.service.customer(), &tickets[0]);
    buyer.reserve(ticket).await.is_ok();
    let mut blocker = rush.service.stores.pool().begin().await.expect("a transaction");
    sqlx::query("SELECT FROM events WHERE id = $1 FOR UPDATE")
        .bind(event.id)
        .execute(&mut *blocker)
        .await
        .expect("a row lock");
    let sale = tokio::spawn({
        let (buyer, ticket) = (buyer.clone(), ticket.clone());
        async move { buyer.confirm(&ticket).await }
    });
    let (answers, last) = rush.confirm().await;
    rush.assert_sold_together(&answers).await;
    last.await.expect("an answer").is_ok();
    assert!(!sale.is_finished(), "the event is locked");
    blocker.rollback().await.expect("released");
    sale.await.expect("an answer").is_ok();
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
