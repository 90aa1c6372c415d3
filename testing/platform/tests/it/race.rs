//! Many customers race for one seat, time after time, through two replicas of each service, and some holds run out in
//! the middle: one sale each, never by a loser, and the page is right at every step.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use client::{Customer, Shop};
use futures::future::join_all;
use ids::{EventId, UserId};
use kit::settings::Environment;
use reqwest::StatusCode;
use testbed::{
    Replica, Stores, TestDatabase, eventually,
    given::{Ticket, event_with_seats},
    within,
};

const CUSTOMERS: usize = 50;
const SEATS: i32 = 100;
/// In every tenth round the first winner lets their hold run out.
const LETS_IT_RUN_OUT: usize = 10;
const HOLD: Duration = Duration::from_secs(2);
/// A hold that ran out is seen to within this: the page is read again and again.
const SEEN_WITHIN: Duration = Duration::from_secs(3);

/// Two replicas of booking and two of event management on one database and one Redis.
struct Platform {
    shops: [Shop; 2],
    event: EventId,
    replicas: Vec<Replica>,
}

impl Platform {
    async fn start(database: &TestDatabase, event: EventId) -> Self {
        let mut replicas = Vec::new();
        let mut shops = Vec::new();
        for _ in 0..2 {
            let settings = booking::Settings::read(environment(database)).unwrap();
            let booking = Replica::start(|listener, shutdown| booking::run(listener, settings, shutdown)).await;
            let settings = event_management::Settings::read(environment(database)).unwrap();
            let management =
                Replica::start(|listener, shutdown| event_management::run(listener, settings, shutdown)).await;
            shops.push(Shop {
                event_management: management.url.clone(),
                booking: booking.url.clone(),
                search: String::new(),
            });
            replicas.extend([booking, management]);
        }
        let [first, second] = <[Shop; 2]>::try_from(shops).unwrap();
        Self { shops: [first, second], event, replicas }
    }

    /// What each replica shows of a seat.
    async fn shown_by_each(&self, ticket: &Ticket) -> [String; 2] {
        let [first, second] = self.shops.each_ref().map(|shop| async {
            let page = Customer::new(shop).unwrap().open(self.event).await.unwrap();
            page.status_of(ticket.uuid).unwrap().to_owned()
        });
        let (first, second) = tokio::join!(first, second);
        [first, second]
    }

    async fn stop(self) {
        for replica in self.replicas {
            replica.stop().await;
        }
    }
}

fn environment(database: &TestDatabase) -> Environment {
    let stores = Stores::from_environment();
    let own = [
        ("REDIS_ADDR", stores.redis_addr),
        ("PAYMENT_PROVIDER", "free".to_owned()),
        ("HOLD_SECONDS", HOLD.as_secs().to_string()),
        ("SERVER_MODE", "test".to_owned()),
    ];
    Environment::from_pairs(database.environment().into_iter().chain(own.map(|(name, value)| (name.to_owned(), value))))
}

/// Asks again when a busy machine answers 503, as `Retry-After` says a client may: neither call does anything twice.
async fn insist(call: impl AsyncFn() -> anyhow::Result<StatusCode>) -> StatusCode {
    eventually("an answer other than 503", async || {
        Some(call().await.unwrap()).filter(|status| *status != StatusCode::SERVICE_UNAVAILABLE)
    })
    .await
}

/// All ask for the seat at once, and one gets it.
async fn reserve_at_once<'a>(customers: &'a [Customer], ticket: &Ticket) -> &'a Customer {
    let answers = join_all(customers.iter().map(|customer| insist(async || customer.reserve(ticket.uuid).await))).await;
    winner(customers, answers, ticket).unwrap_or_else(|| panic!("nobody got the free seat {}", ticket.seat))
}

/// All confirm at once, whether they hold the seat or not.
async fn confirm_at_once<'a>(customers: &'a [Customer], ticket: &Ticket) -> Option<&'a Customer> {
    let answers = join_all(customers.iter().map(|customer| insist(async || customer.confirm(ticket.uuid).await))).await;
    winner(customers, answers, ticket)
}

/// The one who was answered 200. Every other answer must be 409.
fn winner<'a>(customers: &'a [Customer], answers: Vec<StatusCode>, ticket: &Ticket) -> Option<&'a Customer> {
    let mut winners = Vec::new();
    for (customer, status) in customers.iter().zip(answers) {
        match status.as_u16() {
            200 => winners.push(customer),
            409 => {}
            other => panic!("seat {}: answered {other}", ticket.seat),
        }
    }
    assert!(winners.len() <= 1, "seat {} has {} winners", ticket.seat, winners.len());
    winners.pop()
}

/// The winner lets their hold run out. The page shows it, and they cannot confirm any more.
async fn let_hold_run_out(platform: &Platform, customers: &[Customer], ticket: &Ticket) {
    let holder = reserve_at_once(customers, ticket).await;
    // The hold may end between the two reads, so the replicas may differ once.
    let shown_as_free = async || platform.shown_by_each(ticket).await == ["available"; 2];
    within(HOLD + SEEN_WITHIN, &format!("the hold of seat {} ends", ticket.seat), shown_as_free).await.unwrap();
    assert_eq!(insist(async || holder.confirm(ticket.uuid).await).await, 409, "a hold that ran out was confirmed");
}

/// Races until the seat is sold. A machine so busy that a hold runs out before its confirm arrives starts the race again.
async fn sell(platform: &Platform, customers: &[Customer], ticket: &Ticket) -> UserId {
    loop {
        let asked = Instant::now();
        let holder = reserve_at_once(customers, ticket).await;
        let shown = platform.shown_by_each(ticket).await;
        assert!(
            shown == ["reserved"; 2] || asked.elapsed() >= HOLD,
            "seat {} is held, shown as {shown:?}",
            ticket.seat
        );
        if let Some(buyer) = confirm_at_once(customers, ticket).await {
            assert_eq!(buyer.user, holder.user, "seat {} was sold to somebody who did not hold it", ticket.seat);
            assert_eq!(platform.shown_by_each(ticket).await, ["booked"; 2]);
            return buyer.user;
        }
        assert!(asked.elapsed() >= HOLD, "nobody could buy seat {} while it was held", ticket.seat);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_that_many_race_for_is_sold_once_to_its_holder_and_the_page_is_right_at_every_step() {
    let database = TestDatabase::create().await;
    let (event, tickets) = event_with_seats(&database.pool, SEATS).await;
    let platform = Platform::start(&database, event.uuid).await;
    let mut sold = BTreeMap::new();
    let mut run_out = 0;
    // Customers keep their connections and come back for each seat.
    let clients = platform.shops.each_ref().map(|shop| Customer::new(shop).unwrap());
    for (round, ticket) in tickets.iter().enumerate() {
        let customers: Vec<Customer> = (0..CUSTOMERS).map(|number| clients[number % 2].another()).collect();
        assert_eq!(platform.shown_by_each(ticket).await, ["available"; 2]);
        if round % LETS_IT_RUN_OUT == 0 {
            let_hold_run_out(&platform, &customers, ticket).await;
            run_out += 1;
        }
        let buyer = sell(&platform, &customers, ticket).await;
        sold.insert(ticket.uuid.to_string(), buyer.to_string());
    }
    assert_eq!(run_out, tickets.len() / LETS_IT_RUN_OUT);
    assert_eq!(stored_buyers(&database).await, sold);
    platform.stop().await;
}

/// Every booked ticket and who bought it, as PostgreSQL has it: one row a sale.
async fn stored_buyers(database: &TestDatabase) -> BTreeMap<String, String> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT tickets.uuid, orders.user_uuid FROM tickets
         JOIN order_tickets ON order_tickets.ticket_id = tickets.id
         JOIN orders ON orders.id = order_tickets.order_id
         WHERE tickets.status = 'booked' AND orders.state = 'booked'",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    let sales = rows.len();
    let buyers: BTreeMap<String, String> = rows.into_iter().collect();
    assert_eq!(buyers.len(), sales, "a ticket was sold twice");
    buyers
}
