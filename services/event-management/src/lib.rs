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

use std::{error::Error, sync::Arc};

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
    let event_metrics = Arc::new(EventMetrics::register(&metrics)?);

    let details = Details::new(pool.clone(), redis.clone(), &settings.postgres.dbname, event_metrics.clone());
    let listening = changes::listen(
        kit::postgres::connect_options(&settings.postgres),
        details.clone(),
        event_metrics.clone(),
        shutdown.clone(),
    );
    let listening = tokio::spawn(listening);

    // Redis is not among the stores that must be reached: without it pages show which seats are sold.
    let health = Health::builder().postgres(pool.clone(), "events").build();
    let seats = Seats::new(pool, redis, event_metrics.clone());
    let pages = Pages::new(details, seats, event_metrics.clone());
    let streams = Streams::new(pages.clone(), settings.seat_streams_max, health.closing(), event_metrics.clone());
    let events = Arc::new(Events { pages, streams, metrics: event_metrics });
    let app = kit::http::app(http::routes(events), &settings.server, &health, &metrics);
    kit::http::serve(listener, &settings.server, app, &health, shutdown).await?;
    listening.await?;
    Ok(())
}
