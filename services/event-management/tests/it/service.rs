//! A replica of the service in this process, and what tests ask of it.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use event_management::Settings;
use ids::{TicketId, UserId};
use kit::settings::{Environment, Mode};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use sqlx::PgPool;
use testbed::{Replica, Stores, TestDatabase, eventually, given};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The contract's bound for a change to show on every replica.
pub(crate) const SHOWS_WITHIN: Duration = Duration::from_secs(2);

/// A running replica. It ends with this value.
pub(crate) struct Service {
    replica: Replica,
    client: reqwest::Client,
}

impl Service {
    /// A replica on the test's database and the shared Redis, once it hears changes.
    pub(crate) async fn start(db: &TestDatabase) -> Self {
        let service = Self::start_with(db.environment(), &Stores::from_environment().redis_addr).await;
        service.hears().await;
        service
    }

    /// The same with another setting.
    pub(crate) async fn start_set(db: &TestDatabase, name: &str, value: &str) -> Self {
        let mut environment = db.environment();
        environment.push((name.to_owned(), value.to_owned()));
        let service = Self::start_with(environment, &Stores::from_environment().redis_addr).await;
        service.hears().await;
        service
    }

    /// A replica with these `POSTGRES_*` settings and this Redis, whatever its state.
    pub(crate) async fn start_with(postgres: Vec<(String, String)>, redis_addr: &str) -> Self {
        kit::logging::init("event-management", Mode::Test);
        let mut environment = postgres;
        environment.push(("REDIS_ADDR".to_owned(), redis_addr.to_owned()));
        environment.push(("POSTGRES_SSLMODE".to_owned(), "disable".to_owned()));
        // Each new connection costs a password handshake, which takes long in a program that is not optimised.
        environment.push(("POSTGRES_MAX_OPEN_CONNS".to_owned(), "5".to_owned()));
        let settings = Settings::read(Environment::from_pairs(environment)).unwrap();
        let replica = Replica::start(|listener, shutdown| event_management::run(listener, settings, shutdown)).await;
        Self { replica, client: reqwest::Client::new() }
    }

    /// Asks the replica to end and waits until it did.
    pub(crate) async fn end(self) {
        self.replica.stop().await;
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.replica.url)).send().await.unwrap()
    }

    /// Asks for an event with these headers.
    pub(crate) async fn ask(&self, method: Method, uuid: impl Display, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.request(method, format!("{}{}", self.replica.url, path(uuid)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// The answer to somebody who has this page.
    pub(crate) async fn if_none_match(&self, uuid: impl Display, etag: &str) -> Response {
        self.ask(Method::GET, uuid, &[("if-none-match", etag)]).await
    }

    /// The tag of the page now.
    pub(crate) async fn etag(&self, uuid: impl Display) -> String {
        self.event(uuid).await.headers()["etag"].to_str().unwrap().to_owned()
    }

    pub(crate) async fn event(&self, uuid: impl Display) -> Response {
        self.get(&path(uuid)).await
    }

    /// The page of an event that exists.
    pub(crate) async fn page(&self, uuid: impl Display) -> Value {
        let response = self.event(uuid).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    /// The statuses of an event's tickets, in order.
    pub(crate) async fn statuses(&self, uuid: impl Display) -> Vec<String> {
        let page = self.page(uuid).await;
        page["tickets"].as_array().unwrap().iter().map(|ticket| ticket["status"].as_str().unwrap().to_owned()).collect()
    }

    /// The value of a metric's sample, such as `event_changes_total`.
    pub(crate) async fn metric(&self, sample: &str) -> u64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or(0)
    }

    /// Waits until a metric's sample has this value.
    pub(crate) async fn metric_is(&self, sample: &str, expected: u64) {
        eventually(&format!("{sample} is {expected}"), async || self.metric(sample).await == expected).await;
    }

    /// A client that has asked for an event. It is a bare connection: a thousand HTTP clients would keep this process from
    /// answering.
    pub(crate) async fn customer(&self, uuid: impl Display) -> Customer {
        let mut connection = TcpStream::connect(self.replica.addr).await.unwrap();
        let request = format!("GET {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", path(uuid));
        connection.write_all(request.as_bytes()).await.unwrap();
        Customer { connection }
    }

    /// How often details were found there: `process`, `redis` or `postgres`.
    pub(crate) async fn found_in(&self, source: &str) -> u64 {
        self.metric(&format!("event_details_lookups_total{{source=\"{source}\"}}")).await
    }

    /// Waits until the service hears changes and uses the shared cache.
    pub(crate) async fn hears(&self) {
        eventually("the service hears changes and uses the shared cache", async || {
            self.metric("event_changes_listening").await > 0 && self.metric("event_shared_cache_in_use").await > 0
        })
        .await;
    }

    /// How long it takes from now until the page is as it should be.
    pub(crate) async fn time_until(&self, uuid: impl Display, as_it_should_be: impl Fn(&Value) -> bool) -> Duration {
        let started = Instant::now();
        eventually("the page is as it should be", async || {
            let page: Value = self.event(&uuid).await.json().await.unwrap();
            if as_it_should_be(&page) { Ok(()) } else { Err(page) }
        })
        .await;
        started.elapsed()
    }
}

/// A client who waits for an answer.
pub(crate) struct Customer {
    connection: TcpStream,
}

impl Customer {
    pub(crate) async fn answer(mut self) -> String {
        let mut answer = String::new();
        self.connection.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn path(uuid: impl Display) -> String {
    format!("/api/v1/management/events/{uuid}")
}

pub(crate) async fn redis() -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(format!("redis://{}", Stores::from_environment().redis_addr)).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// An event with `tickets` available tickets.
pub(crate) async fn given_an_event(db: &TestDatabase, tickets: i32) -> (given::Event, Vec<given::Ticket>) {
    let event = given::event(&db.pool, &given::venue(&db.pool, "Berlin").await, "Show", 3).await;
    let tickets = given::tickets(&db.pool, &event, tickets).await;
    (event, tickets)
}

/// Longer than any test.
pub(crate) const A_WHILE: Duration = Duration::from_secs(900);

/// Holds a ticket for a new user, and returns the user.
pub(crate) async fn hold(event: &given::Event, ticket: &given::Ticket, length: Duration) -> UserId {
    let (user, tickets) = (UserId::random(), [ticket.uuid]);
    let held = seats::hold(&mut redis().await, event.uuid, user, &tickets, &seats::HoldLimits::of_length(length))
        .await
        .unwrap();
    assert!(matches!(held, seats::HoldOutcome::Placed(_)), "{held:?}");
    user
}

/// Ends a hold.
pub(crate) async fn release(event: &given::Event, ticket: &given::Ticket, user: UserId) {
    seats::release(&mut redis().await, event.uuid, user, &[ticket.uuid]).await.unwrap();
}

/// Waits until no hold on the ticket lives, by Redis' clock.
pub(crate) async fn runs_out(ticket: &given::Ticket) {
    let (mut redis, key) = (redis().await, format!("ticket_lock:{}", ticket.uuid));
    eventually("the hold has run out", async || {
        !redis::cmd("EXISTS").arg(&key).query_async::<bool>(&mut redis).await.unwrap()
    })
    .await;
}

pub(crate) async fn execute(pool: &PgPool, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(pool).await.unwrap();
}

/// Books tickets as the booking service does: silently.
pub(crate) async fn sell(pool: &PgPool, tickets: &[TicketId]) {
    let mut sale = pool.begin().await.unwrap();
    sqlx::query("SET LOCAL ticket_platform.sale = 'on'").execute(&mut *sale).await.unwrap();
    let sold = sqlx::query("UPDATE tickets SET status = 'booked' WHERE uuid = ANY($1) AND status = 'available'")
        .bind(tickets)
        .execute(&mut *sale)
        .await
        .unwrap();
    assert_eq!(sold.rows_affected(), tickets.len() as u64);
    sale.commit().await.unwrap();
}
