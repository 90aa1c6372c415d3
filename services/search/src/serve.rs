//! The service: HTTP server and indexer in one process.

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
    feed::{FeedMetrics, SharedStatus},
    http::{AppState, routes},
    index::{self, Index, IndexError},
    indexing::{Indexer, IndexingMetrics, Rows},
    query::Cache,
    settings::ServeSettings,
};

/// The service could not start, or ended before `shutdown`.
#[derive(Debug, Error)]
pub enum RunError {
    #[error("Elasticsearch: {0}")]
    Index(#[from] IndexError),
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error("HTTP: {0}")]
    Http(#[from] io::Error),
    #[error("indexer: {0}")]
    Indexer(#[from] tokio::task::JoinError),
}

/// Serves on a listener until `shutdown`. It starts while stores are down, and creates nothing in them.
///
/// # Errors
/// When settings make no client, the listener fails, or the indexer panics.
pub async fn run(listener: TcpListener, settings: ServeSettings, shutdown: CancellationToken) -> Result<(), RunError> {
    let metrics = Metrics::new()?;
    let index = Index::new(&settings.index.elasticsearch, settings.index.name)?;
    let cache = Cache::new(kit::redis::connect(&settings.redis)?, index.name(), &metrics)?;
    let index_health = index::watch(index.clone(), shutdown.clone());
    let feed = SharedStatus::default();
    let indexer = Indexer {
        rows: Rows::new(kit::postgres::Pool::new(&settings.postgres)),
        index: index.clone(),
        kafka: settings.kafka,
        feed_metrics: FeedMetrics::register(&metrics)?,
        metrics: IndexingMetrics::register(&metrics)?,
        status: feed.clone(),
        health: index_health.clone(),
    };
    let indexing = tokio::spawn(indexer.run(shutdown.clone()));

    let (name, watched) = (index.name().to_owned(), index_health.clone());
    let readiness = Health::builder().ready("index", move || std::future::ready(watched.borrow().check(&name))).build();
    let routes = routes().with_state(AppState { index, health: index_health, cache, feed });
    let router = app(routes, &settings.server, &readiness, &metrics);
    let served = serve(listener, &settings.server, router, &readiness, shutdown.clone()).await;
    // The indexer ends with the server, even when the server failed. It commits its offsets and leaves its group.
    shutdown.cancel();
    indexing.await?;
    Ok(served?)
}
