//! Event management: the page of an event, with the state of each seat at the moment of the answer.
//!
//! The [details] of an event (venue, performers, tickets with price and seat) rarely change. They are cached in the
//! process and in Redis, and dropped when the [database notifies](changes) a change. The state of the [seats] changes
//! with every sale. It is read for each answer and never cached. A [page] has both, and requests that come at the same
//! moment share one. A [stream](streams) sends what changes on a page.
//!
//! From the bottom to the top: `event`, `tickets`, `details` and `seats`, `page`, `changes` and `streams`, `http`.

mod changes;
mod details;
mod event;
mod http;
mod metrics;
mod page;
mod seats;
mod settings;
mod streams;
mod tickets;
mod turns;

use std::sync::Arc;

use kit::{
    health::Health,
    metrics::Metrics,
    postgres::{ANSWERS_WITHIN, Pool, TRANSACTION_TIMEOUT},
};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    details::Details,
    http::Events,
    metrics::EventMetrics,
    page::{Pages, Templates},
    seats::Seats,
    streams::Streams,
};
pub use crate::{http::document, settings::Settings};

/// Why the service ended.
#[derive(Debug, Error)]
pub enum RunError {
    #[error("the settings of Redis make no address: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("a metric cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("the HTTP server failed: {0}")]
    Http(#[from] std::io::Error),
    #[error("the listener for changes panicked: {0}")]
    Listener(#[from] tokio::task::JoinError),
}

/// Serves on the listener until `shutdown`, and then drains. It starts while the stores are down.
pub async fn run(listener: TcpListener, settings: Settings, shutdown: CancellationToken) -> Result<(), RunError> {
    let pool = Pool::with_parameters(&settings.postgres, &[TRANSACTION_TIMEOUT]).answering_within(ANSWERS_WITHIN);
    let redis = kit::redis::connect(&settings.redis)?;
    let metrics = Metrics::new()?;
    let event_metrics = Arc::new(EventMetrics::register(&metrics)?);

    let details = Details::new(pool.clone(), redis.clone(), &settings.postgres.dbname, event_metrics.clone());
    let templates = Arc::new(Templates::new(details, event_metrics.clone()));
    let listening = changes::listen(
        kit::postgres::connect_options(&settings.postgres),
        templates.clone(),
        event_metrics.clone(),
        shutdown.clone(),
    );
    let listening = tokio::spawn(listening);

    // Redis is not among the stores that must be reached: without it pages still show which seats are sold.
    let health = Health::builder().postgres(pool.clone(), "events").build();
    let seats = Seats::new(pool, redis, event_metrics.clone());
    let pages = Pages::new(templates, seats, event_metrics.clone());
    let streams = Streams::new(pages.clone(), settings.seat_streams_max, health.closing(), event_metrics.clone());
    let events = Arc::new(Events { pages, streams, metrics: event_metrics });
    let app = kit::http::app(http::routes(events), &settings.server, &health, &metrics);
    kit::http::serve(listener, &settings.server, app, &health, shutdown).await?;
    listening.await?;
    Ok(())
}
