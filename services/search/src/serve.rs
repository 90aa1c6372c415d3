//! The service: queries and indexer in one process.

use std::io;

use kit::{
    health::Health,
    http::{app, serve},
    metrics::Metrics,
};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    cache::Cache,
    feed::{FeedMetrics, Indexer, Status},
    health,
    http::{AppState, routes},
    index::{Index, IndexError},
    rows::Rows,
    settings::ServeSettings,
};

/// Why the service did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The settings of Elasticsearch make no client.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The settings of Redis make no client.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
    /// Two metrics of one name.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
    /// The listener is broken.
    #[error(transparent)]
    Listener(#[from] io::Error),
    /// The indexer panicked.
    #[error(transparent)]
    Indexer(#[from] tokio::task::JoinError),
}

/// Serves on a listener until `shutdown`. It starts while stores are down, and creates nothing in them.
///
/// # Errors
/// When the service cannot start at all.
pub async fn run(
    listener: TcpListener,
    settings: ServeSettings,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let metrics = Metrics::new()?;
    let index = Index::new(&settings.index.elasticsearch, settings.index.name)?;
    let cache = Cache::new(kit::redis::connect(&settings.redis)?, index.name(), metrics.registry())?;
    let index_health = health::watch(index.clone(), shutdown.clone());
    let feed = Status::default();
    let indexer = Indexer {
        rows: Rows::new(kit::postgres::Pool::new(&settings.postgres)),
        index: index.clone(),
        kafka: settings.kafka,
        metrics: FeedMetrics::register(metrics.registry())?,
        status: feed.clone(),
        health: index_health.clone(),
    };
    let indexing = tokio::spawn(indexer.run(shutdown.clone()));

    let (name, watched) = (index.name().to_owned(), index_health.clone());
    let readiness = Health::builder().ready("index", move || std::future::ready(watched.borrow().check(&name))).build();
    let routes = routes().with_state(AppState { index, health: index_health, cache, feed });
    let router = app(routes, &settings.server, &readiness, &metrics);
    let served = serve(listener, &settings.server, router, &readiness, shutdown.clone()).await;
    // Whatever ended the server ends the indexer, which commits and leaves its group.
    shutdown.cancel();
    indexing.await?;
    Ok(served?)
}
