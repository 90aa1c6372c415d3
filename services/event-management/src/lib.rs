//! Event management: the page of an event, with the state of each seat at the moment of the answer.
//!
//! What rarely changes (event, venue, performers, tickets with price and seat) is kept apart from what changes with every
//! sale (the seats' state). The former is [cached](details) in the process and in Redis, and dropped by a
//! [signal](changes) from the database; the latter is [read fresh](seats) for each answer and cached nowhere. A
//! [page](page) is both together, made once for all who ask at the same moment; a [stream](streams) tells what changes on it.

mod changes;
mod details;
mod freshness;
pub mod http;
mod metrics;
mod page;
mod seats;
mod settings;
mod streams;
mod tickets;
mod turns;

use std::{error::Error, sync::Arc, time::Duration};

use kit::{
    health::Health,
    metrics::Metrics,
    postgres::{ANSWERS_WITHIN, Pool, TRANSACTION_TIMEOUT},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use settings::Settings;

use crate::{details::Details, http::Events, metrics::EventMetrics, page::Pages, seats::Seats, streams::Streams};

/// Serves on the listener until `shutdown`, and then drains.
///
/// # Errors
/// Settings that make no Redis address; a broken listener.
pub async fn run(
    listener: TcpListener,
    settings: Settings,
    shutdown: CancellationToken,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let pool = Pool::with_parameters(&settings.postgres, &[TRANSACTION_TIMEOUT]).answering_within(ANSWERS_WITHIN);
    let redis = kit::redis::connect(&settings.redis)?;
    let metrics = Metrics::new()?;
    let event_metrics = Arc::new(EventMetrics::register(metrics.registry())?);

    let details = Details::new(pool.clone(), redis.clone(), &settings.postgres.dbname, event_metrics.clone());
    let listening = changes::listen(
        kit::postgres::connect_options(&settings.postgres),
        details.clone(),
        event_metrics.clone(),
        shutdown.clone(),
    );
    let listening = tokio::spawn(listening);

    let probed = pool.clone();
    let health = Health::builder().reached("postgres", move || probe(probed.clone())).build();
    let seats = Seats::new(pool, redis, event_metrics.clone());
    let pages = Pages::new(details, seats, event_metrics.clone());
    let end_of_streams = drain_begun(shutdown.clone(), settings.server.drain_delay);
    let streams = Streams::new(pages.clone(), settings.seat_streams_max, end_of_streams, event_metrics.clone());
    let events = Arc::new(Events { pages, streams, metrics: event_metrics });
    let app = kit::http::app(http::routes(events), &settings.server, &health, &metrics);
    kit::http::serve(listener, &settings.server, app, &health, shutdown).await?;
    listening.await?;
    Ok(())
}

/// Cancelled when the server begins to drain, which it could not finish while streams are open. Not at `shutdown` itself:
/// until the load balancers have heard of it, clients that lose their stream would come back to this process.
fn drain_begun(shutdown: CancellationToken, delay: Duration) -> CancellationToken {
    let begun = CancellationToken::new();
    let cancelled = begun.clone();
    tokio::spawn(async move {
        shutdown.cancelled().await;
        tokio::time::sleep(delay).await;
        cancelled.cancel();
    });
    begun
}

async fn probe(pool: Pool) -> Result<(), String> {
    sqlx::query("SELECT 1").execute(&pool).await.map(drop).map_err(|error| error.to_string())
}
