//! The booking service: holds tickets for customers in Redis, and sells them in PostgreSQL.
//!
//! A seat is sold at most once, and only to a customer who held it until then. Redis keeps customers apart and may be
//! lost at any moment; PostgreSQL decides every sale.
//!
//! This file is the only one that knows all rooms. `docs/architecture.md` lists them from low to high: a room imports
//! only from lower ones.

mod holding;
mod http;
mod orders;
mod payments;
mod recovery;
mod refusal;
mod selling;
mod settings;

use std::{sync::Arc, time::Duration};

use kit::{
    health::Health,
    metrics::Metrics,
    postgres::{ANSWERS_WITHIN, Pool, SessionParameter, TRANSACTION_TIMEOUT},
};
use redis::aio::ConnectionManager;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::settings::{PaymentSettings, Settings, StripeSettings, SweepSettings};
use crate::{
    holding::{HoldMetrics, Holds},
    http::App,
    orders::Orders,
    payments::StripePayments,
    recovery::{SweepMetrics, Sweeper},
    selling::{Checkout, FreeOrderWriter, Marks, PaymentDriver, PaymentMethods, SaleMetrics},
};

/// How long the end of the program waits for sales under way. This is longer than a sale may wait for its batch, for a
/// connection and for PostgreSQL's answer.
const SALES_END_WITHIN: Duration = Duration::from_secs(15);

/// Parameters of every session.
///
/// - `ticket_platform.sale` keeps the trigger on `tickets` quiet: NOTIFY would make commits wait for each other, and
///   nobody caches a ticket's status.
/// - The time limit ends the transaction of a process that was stopped in the middle, so that its row locks are
///   released.
/// - With lists of tickets as parameters PostgreSQL would plan every sale again, which takes longer than the sale. One
///   plan serves all.
const SESSION: &[SessionParameter] =
    &[("ticket_platform.sale", "on"), TRANSACTION_TIMEOUT, ("plan_cache_mode", "force_generic_plan")];

/// What the benchmark runs without the service.
pub mod for_bench {
    use kit::postgres::SessionParameter;

    pub use crate::orders::sell::{SELL, SELL_PARAMETERS};

    /// Parameters of every session of the service.
    pub const SESSION: &[SessionParameter] = super::SESSION;
}

/// What the integration tests use beside the service itself.
pub mod for_tests {
    pub use crate::{
        for_bench::SESSION,
        orders::{
            Decision, OrderState, Orders, PaymentState, Purchase, Reason,
            lifecycle::{ALL, OrderAfter, STARTS, Start, Transition},
        },
        selling::FreeOrderWriter,
    };
}

/// Why the service could not run.
#[derive(Debug, Error)]
pub enum RunError {
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("payments: {0}")]
    Payments(#[from] reqwest::Error),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("HTTP: {0}")]
    Http(#[from] std::io::Error),
}

/// Serves until `shutdown`, then drains: requests first, then the sales that they began. A store that is down is no
/// reason not to start.
///
/// # Errors
/// When a setting cannot be used, or the listener fails.
pub async fn run(listener: TcpListener, settings: Settings, shutdown: CancellationToken) -> Result<(), RunError> {
    let postgres = Pool::with_parameters(&settings.postgres, SESSION).answering_within(ANSWERS_WITHIN);
    let redis = kit::redis::connect(&settings.redis)?;
    let metrics = Metrics::new()?;
    let health = Health::builder().postgres(postgres.clone(), "idempotency_keys").redis(redis.clone()).build();
    let (server, tasks) = (settings.server.clone(), TaskTracker::new());
    let (app, sweeper) = rooms(postgres, redis, settings, &metrics, tasks.clone())?;

    let sweeping = {
        let shutdown = shutdown.clone();
        tokio::spawn(async move { sweeper.run(shutdown).await })
    };
    let app = kit::http::app(http::routes(app), &server, &health, &metrics);
    kit::http::serve(listener, &server, app, &health, shutdown.clone()).await?;

    tasks.close();
    if tokio::time::timeout(SALES_END_WITHIN, tasks.wait()).await.is_err() {
        tracing::warn!("sales were still waiting for PostgreSQL; another replica's sweeper ends them");
        return Ok(());
    }
    shutdown.cancel();
    let _ = sweeping.await;
    Ok(())
}

/// Builds every room from the stores and the settings.
fn rooms(
    postgres: Pool,
    redis: ConnectionManager,
    settings: Settings,
    metrics: &Metrics,
    tasks: TaskTracker,
) -> Result<(App, Sweeper), RunError> {
    let payments = match settings.payments {
        PaymentSettings::Free => None,
        PaymentSettings::Stripe(stripe) => Some(Arc::new(StripePayments::new(stripe)?)),
    };
    let (orders, marks) = (Orders::new(postgres.clone()), Marks::new(redis.clone()));
    let sale_metrics = SaleMetrics::register(metrics)?;
    let driver = payments
        .as_ref()
        .map(|payments| PaymentDriver::new(orders.clone(), Arc::clone(payments), marks.clone(), sale_metrics.clone()));
    let holds = Arc::new(Holds::new(
        postgres.clone(),
        redis.clone(),
        orders.clone(),
        settings.limits,
        HoldMetrics::register(metrics)?,
    ));
    let methods = PaymentMethods::new(postgres, payments);
    let checkout = Checkout {
        redis: redis.clone(),
        holds: Arc::clone(&holds),
        orders: orders.clone(),
        marks: marks.clone(),
        free_orders: FreeOrderWriter::start(orders.clone()),
        driver: driver.clone(),
        methods: methods.clone(),
        currency: settings.currency,
        metrics: sale_metrics,
        tasks,
    };
    let sweeper = Sweeper {
        redis,
        orders: orders.clone(),
        marks,
        driver,
        metrics: SweepMetrics::register(metrics)?,
        settings: settings.sweep,
    };
    Ok((App::new(holds, Arc::new(checkout), orders, methods), sweeper))
}
