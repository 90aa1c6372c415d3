//! The platform of a run: two replicas each of booking and event management, their stores, and the fake of Stripe.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use fake_stripe::{Delivery, FakeStripe, Fault, When};
use testbed::{OwnInstance, Process, Program, Proxy, Store, TestDatabase, free_replica_port};
use tokio::time::{Instant, sleep};

use super::{HOLD, LIFETIME, Plan, Programs, Provider, market::Market};

/// Stores that buying and selling need.
const NEEDED: [Store; 2] = [Store::Postgres, Store::Redis];
/// Stores that only search needs. They are an instance of their own, because one start of an instance waits for the other,
/// and these are slow.
const BYSTANDERS: [Store; 3] = [Store::Kafka, Store::Connect, Store::Elasticsearch];

/// The share of calls to Stripe that meet each fault.
const STRIPE_FAULTS: [(f64, Fault); 5] = [
    (0.01, Fault::AnswerLost),
    (0.005, Fault::RequestLost),
    (0.005, Fault::ServerError),
    (0.005, Fault::RateLimited),
    (0.002, Fault::SlowEffect(Duration::from_millis(1_500))),
];

/// The pause between two checks whether everything has settled. A step of a payment takes less time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The parts are dropped in the order of the fields: services first, stores last.
pub(crate) struct Platform {
    pub booking: Vec<Process>,
    pub event_management: Vec<Process>,
    pub search: Option<Process>,
    stripe: Option<FakeStripe>,
    pub postgres_proxy: Proxy,
    pub redis_proxy: Proxy,
    pub database: TestDatabase,
    stores: OwnInstance,
    bystanders: Option<OwnInstance>,
    logs: PathBuf,
}

impl Platform {
    pub(crate) async fn start(plan: &Plan, programs: &Programs) -> Result<Self> {
        let name = format!("history-{}-{}", std::process::id(), plan.seed);
        let logs = std::env::temp_dir().join(format!("ticket-{name}"));
        std::fs::create_dir_all(&logs)?;
        let stores = OwnInstance::up(&name, &NEEDED).await?;
        let bystanders = match plan.bystander_rounds {
            0 => None,
            _ => Some(OwnInstance::up(&format!("{name}-bystanders"), &BYSTANDERS).await?),
        };
        let addresses = stores.addresses()?;
        let database = TestDatabase::create_on(&addresses.postgres_url).await;
        let postgres_proxy = Proxy::start(&database.addr()).await;
        let redis_proxy = Proxy::start(&addresses.redis_addr).await;
        let stripe = match plan.provider {
            Provider::Free => None,
            Provider::Stripe => Some(FakeStripe::start().await),
        };
        let mut environment = database.environment_at(&postgres_proxy.addr);
        let for_search = bystanders.as_ref().unwrap_or(&stores).addresses()?;
        let own = [
            ("REDIS_ADDR", redis_proxy.addr.clone()),
            ("HOLD_SECONDS", HOLD.as_secs().to_string()),
            ("HOLD_LIFETIME_SECONDS", LIFETIME.as_secs().to_string()),
            ("KAFKA_LISTENERS", for_search.kafka_bootstrap),
            ("ELASTICSEARCH_ADDR", for_search.elasticsearch_url),
        ];
        environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
        environment.extend(match &stripe {
            None => vec![("PAYMENT_PROVIDER".to_owned(), "free".to_owned())],
            Some(stripe) => stripe.environment(),
        });
        let start = async |name: &str, program: &str| {
            let program = Program::new(programs.path(program)).environment(environment.clone());
            start_replica(program, logs.join(name)).await
        };
        let booking = vec![start("booking-1", "booking").await?, start("booking-2", "booking").await?];
        let event_management = vec![
            start("event-management-1", "event-management").await?,
            start("event-management-2", "event-management").await?,
        ];
        let search = if bystanders.is_some() { Some(start("search", "search").await?) } else { None };
        if let Some(stripe) = &stripe {
            let hook = |process: &Process| format!("{}/api/v1/booking/payments/stripe/webhook", process.url);
            stripe.send_webhooks_to(booking.iter().map(hook).collect());
            stripe.set_delivery(Delivery::Mixed);
            STRIPE_FAULTS.iter().for_each(|(chance, fault)| stripe.fail_any(When::Chance(*chance), *fault));
        }
        Ok(Self {
            booking,
            event_management,
            search,
            stripe,
            postgres_proxy,
            redis_proxy,
            database,
            stores,
            bystanders,
            logs,
        })
    }

    /// The instance that a store belongs to.
    pub(crate) fn instance_of(&self, store: Store) -> &OwnInstance {
        self.bystanders.as_ref().filter(|_| BYSTANDERS.contains(&store)).unwrap_or(&self.stores)
    }

    pub(crate) fn stripe(&self) -> Option<&FakeStripe> {
        self.stripe.as_ref()
    }

    /// Waits until everything has settled: no offered seat is held or being sold, and every payment has reached its
    /// end.
    pub(crate) async fn settle(&self, market: &Market, deadline: Instant) -> Result<()> {
        if let Some(stripe) = &self.stripe {
            stripe.clear_faults();
            stripe.set_delivery(Delivery::Normal);
        }
        loop {
            self.decide_payments();
            let under_way = self.payments_under_way().await?;
            let reserved = market.shown_as_reserved(&self.event_management[0].url).await;
            if under_way == 0 && reserved.as_ref().is_ok_and(|seats| *seats == 0) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("not settled: {under_way} payments under way, seats reserved: {reserved:?}");
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Counts the payments that are not at their end, and makes the sweeper look at them now. By itself it would look
    /// after half a minute, and then less and less often.
    async fn payments_under_way(&self) -> Result<u64> {
        let looked_at = sqlx::query("UPDATE payment_attempts SET next_look_at = now() WHERE next_look_at IS NOT NULL");
        Ok(looked_at.execute(&self.database.pool).await?.rows_affected())
    }

    /// Decides the payments that wait for their customer: half of the customers approve.
    pub(crate) fn decide_payments(&self) {
        if let Some(stripe) = &self.stripe {
            stripe.decide_all(|payment| payment.intent.ends_with(|digit| matches!(digit, '0'..='7')));
        }
    }

    /// Ends services and stores, and returns the folder with the logs.
    pub(crate) async fn end(self) -> PathBuf {
        let logs = self.logs.clone();
        // Dropping waits for processes to end, which would block the runtime.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
        logs
    }
}

/// Starts a replica that is found at the same address again after a restart.
async fn start_replica(program: Program, log: PathBuf) -> Result<Process> {
    let addr = format!("127.0.0.1:{}", free_replica_port());
    program.set("SERVER_ADDR", addr).log_to(log).serve().await
}
