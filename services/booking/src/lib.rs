//! The booking service: holds a ticket for a customer in Redis, and sells it in PostgreSQL.
//!
//! A seat is sold at most once, and only to a customer who held it until then. Redis keeps customers apart and may be lost
//! at any moment; PostgreSQL decides every sale.

mod after_sale;
mod booking;
mod catalog;
mod checkout;
mod crowds;
mod drive;
mod epoch;
mod failure;
mod holds;
pub mod http;
mod marks;
mod metrics;
pub mod orders;
mod payments;
mod settings;
mod sweeper;

use std::time::Duration;

use kit::{
    health::Health,
    metrics::Metrics,
    postgres::{ANSWERS_WITHIN, Pool, SessionParameter, TRANSACTION_TIMEOUT},
};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use crate::{
    booking::Booking,
    failure::{Failure, Refusal},
    metrics::BookingMetrics,
    payments::Payments,
    settings::{PaymentSettings, Settings, StripeSettings, SweepSettings},
};

/// How long the end of the program waits for sales under way: longer than a sale may wait for others, for a connection and for
/// PostgreSQL's answer.
const SALES_END_WITHIN: Duration = Duration::from_secs(15);

/// Parameters of every session. `ticket_platform.sale` keeps the trigger on `tickets` quiet: NOTIFY would make commits wait for
/// each other, and nobody caches a ticket's status. The time limit ends the transaction of a process that was stopped in
/// the middle, so that its row locks stand in nobody's way for longer. Lists of tickets as parameters would make PostgreSQL
/// plan every sale anew, which takes longer than the sale: one plan serves all.
pub const SESSION: &[SessionParameter] =
    &[("ticket_platform.sale", "on"), TRANSACTION_TIMEOUT, ("plan_cache_mode", "force_generic_plan")];

/// Why the service could not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// Redis' settings make no address.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// No HTTP client for the payment provider could be made.
    #[error("payments: {0}")]
    Payments(#[from] reqwest::Error),
    /// A metric could not be registered.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The listener failed.
    #[error("HTTP: {0}")]
    Http(#[from] std::io::Error),
}

/// Serves until `shutdown`, then drains: requests first, then the sales that they began.
///
/// # Errors
/// When the service cannot start. A store that is down is no reason.
pub async fn run(listener: TcpListener, settings: Settings, shutdown: CancellationToken) -> Result<(), RunError> {
    let postgres = Pool::with_parameters(&settings.postgres, SESSION).answering_within(ANSWERS_WITHIN);
    let redis = kit::redis::connect(&settings.redis)?;
    let metrics = Metrics::new()?;
    let own_metrics = BookingMetrics::register(&metrics)?;
    let health = Health::builder().postgres(postgres.clone(), "idempotency_keys").redis(redis.clone()).build();
    let payments = Payments::new(&settings.payments)?;
    let booking = Booking::new(postgres, redis, payments, settings.currency, settings.limits, own_metrics);

    let sweeping = {
        let (booking, shutdown) = (booking.clone(), shutdown.clone());
        tokio::spawn(async move { booking.sweep_until(shutdown, settings.sweep).await })
    };
    let app = kit::http::app(http::routes(booking.clone()), &settings.server, &health, &metrics);
    kit::http::serve(listener, &settings.server, app, &health, shutdown.clone()).await?;

    booking.sales.close();
    if tokio::time::timeout(SALES_END_WITHIN, booking.sales.wait()).await.is_err() {
        tracing::warn!("sales were still waiting for PostgreSQL; another replica's sweeper ends them");
        return Ok(());
    }
    shutdown.cancel();
    let _ = sweeping.await;
    Ok(())
}
