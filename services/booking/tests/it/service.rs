//! A booking service on stores of its own.

use std::time::Duration;

use booking::{Settings, SweepSettings};
use fake_stripe::FakeStripe;
use ids::TicketId;
use kit::settings::Environment;
use redis::{AsyncCommands, aio::MultiplexedConnection};
use seats::HoldLimits;
use sqlx::PgPool;
use testbed::{
    Process, Program, Proxy, RedisDatabase, Replica, TestDatabase,
    given::{self, Event, Ticket},
};
use uuid::Uuid;

use crate::customer::Customer;

/// A sale counts as left behind much sooner than in production, so that tests need not wait.
pub(crate) const SWEEP: SweepSettings =
    SweepSettings { every: Duration::from_millis(50), after: Duration::from_millis(300) };

/// The stores of one test, each behind a connection that can be cut.
pub(crate) struct ProxiedStores {
    pub database: TestDatabase,
    pub redis: RedisDatabase,
    pub postgres_proxy: Proxy,
    pub redis_proxy: Proxy,
}

impl ProxiedStores {
    pub(crate) async fn start() -> Self {
        let (database, redis) = (TestDatabase::create().await, RedisDatabase::claim().await);
        let (postgres_proxy, redis_proxy) = (Proxy::start(&database.addr()).await, Proxy::start(redis.addr()).await);
        Self { database, redis, postgres_proxy, redis_proxy }
    }

    /// The environment of a service that talks to the stores through the proxies.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let own = [
            ("REDIS_ADDR", self.redis_proxy.addr.clone()),
            ("REDIS_DB", self.redis.number.to_string()),
            ("PAYMENT_PROVIDER", "free".to_owned()),
            ("SERVER_MODE", "test".to_owned()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        self.database.environment_at(&self.postgres_proxy.addr).into_iter().chain(own).collect()
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings_with(Vec::new())
    }

    /// Settings in which some are others.
    pub(crate) fn settings_with(&self, others: Vec<(String, String)>) -> Settings {
        let environment = Environment::from_pairs(self.environment().into_iter().chain(others));
        let settings = Settings::read(environment).expect("complete settings");
        Settings { sweep: SWEEP, ..settings }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    /// How many orders there are for a ticket, and who the buyers are.
    pub(crate) async fn buyers(&self, ticket: &Ticket) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT orders.user_uuid FROM orders JOIN order_tickets ON order_tickets.order_id = orders.id
             WHERE order_tickets.ticket_uuid = $1",
        )
        .bind(ticket.uuid)
        .fetch_all(self.pool())
        .await
        .expect("orders can be read")
    }

    pub(crate) async fn status(&self, ticket: &Ticket) -> String {
        sqlx::query_scalar("SELECT status FROM tickets WHERE id = $1")
            .bind(ticket.id)
            .fetch_one(self.pool())
            .await
            .expect("the ticket exists")
    }
}

/// Starts a replica of the service.
pub(crate) async fn replica(settings: Settings) -> Replica {
    Replica::start(|listener, shutdown| booking::run(listener, settings, shutdown)).await
}

/// Starts the program itself, with settings in which some are others.
pub(crate) async fn process(stores: &ProxiedStores, others: Vec<(String, String)>) -> Process {
    let program = Program::new(env!("CARGO_BIN_EXE_booking")).environment(stores.environment()).environment(others);
    program.serve().await.expect("the program starts")
}

/// A replica and its stores.
pub(crate) struct Service {
    pub stores: ProxiedStores,
    pub replica: Replica,
    pub client: reqwest::Client,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(|settings| settings).await
    }

    pub(crate) async fn start_with_hold(hold: Duration) -> Self {
        Self::start_with(|settings| Settings { limits: HoldLimits::of_length(hold), ..settings }).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let stores = ProxiedStores::start().await;
        let replica = replica(change(stores.settings())).await;
        Self { stores, replica, client: client() }
    }

    /// A service that is paid through this Stripe.
    pub(crate) async fn start_with_stripe(stripe: &FakeStripe, change: impl FnOnce(Settings) -> Settings) -> Self {
        let stores = ProxiedStores::start().await;
        let replica = replica(change(stores.settings_with(stripe.environment()))).await;
        Self { stores, replica, client: client() }
    }

    pub(crate) fn customer(&self) -> Customer {
        Customer::new(&self.replica.url, self.client.clone())
    }

    /// Redis forgets that somebody holds the ticket.
    pub(crate) async fn lose_hold(&self, event: &Event, ticket: &Ticket) {
        let mut redis = self.redis().await;
        let _: () = redis.del(format!("ticket_lock:{}", ticket.uuid)).await.expect("Redis answers");
        let _: () = redis.hdel(format!("event_seats:{}", event.uuid), ticket.uuid).await.expect("Redis answers");
    }

    pub(crate) async fn redis(&self) -> MultiplexedConnection {
        self.stores.redis.connect().await
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.replica.url)).send().await.expect("an answer")
    }

    pub(crate) async fn given_event_with_seats(&self, seats: i32) -> (Event, Vec<Ticket>) {
        given::event_with_seats(self.stores.pool(), seats).await
    }

    pub(crate) async fn given_ticket(&self) -> Ticket {
        self.given_event_with_seats(1).await.1.remove(0)
    }

    pub(crate) async fn given_ticket_of_an_event_that_is_over(&self) -> Ticket {
        let venue = given::venue(self.stores.pool(), "Basel").await;
        let event = given::event(self.stores.pool(), &venue, "Yesterday's Concert", -1).await;
        given::tickets(self.stores.pool(), &event, 1).await.remove(0)
    }

    /// Tickets that the event's page shows as reserved.
    pub(crate) async fn shown_as_reserved(&self, event: &Event) -> Vec<TicketId> {
        seats::held_tickets(&mut self.redis().await, event.uuid).await.expect("Redis answers")
    }
}

/// A client that closes an idle connection before the server does (after its read timeout): a request that is sent just
/// when the server closes the connection gets no answer.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(1)).build().expect("a client")
}

pub(crate) fn new_uuid() -> String {
    Uuid::new_v4().to_string()
}
