//! Receives the database's notifications that an event changed.
//!
//! A connection that has died may look alive for minutes, so the absence of notifications proves nothing. Every half
//! second the connection must answer a query, and what is kept is trusted only for a short time after the last answer.

use std::{convert::Infallible, sync::Arc, time::Duration};

use ids::EventId;
use sqlx::{
    Executor,
    postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions},
};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{metrics::EventMetrics, page::Templates};

/// The channel of `migrations/before/0003_event_changes.sql`.
const CHANNEL: &str = "event_changed";
/// The payload that stands for all events.
const EVERYTHING: &str = "*";

/// The interval of the queries. Several of them fit into the time for which one answer is trusted.
const CONFIRM_INTERVAL: Duration = Duration::from_millis(500);
/// A connection without an answer for this long is given up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The pause between two attempts to connect: short enough to be back within a second of the database.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// Why a connection was given up.
#[derive(Debug, Error)]
enum SubscriptionError {
    #[error("{0}")]
    Database(#[from] sqlx::Error),
    #[error("PostgreSQL did not answer in time")]
    TimedOut(#[from] tokio::time::error::Elapsed),
    #[error("the connection was closed")]
    Closed,
}

/// Listens until `shutdown`. When a connection is lost, it opens another.
pub(crate) async fn listen(
    options: PgConnectOptions,
    templates: Arc<Templates>,
    metrics: Arc<EventMetrics>,
    shutdown: CancellationToken,
) {
    let subscription = Subscription { templates: &templates, metrics: &metrics };
    let listening = async {
        loop {
            let Err(error) = subscription.hold(&options).await;
            templates.unsubscribed();
            metrics.listening.set(0);
            tracing::warn!(%error, "changes of events may be missed, so nothing that is kept is trusted");
            sleep(RECONNECT_PAUSE).await;
        }
    };
    tokio::select! {
        () = listening => {}
        () = shutdown.cancelled() => {}
    }
}

struct Subscription<'a> {
    templates: &'a Templates,
    metrics: &'a EventMetrics,
}

impl Subscription<'_> {
    /// Connects, and applies changes until the connection is lost.
    async fn hold(&self, options: &PgConnectOptions) -> Result<Infallible, SubscriptionError> {
        // This connection is never given back, so it is not one of the service's pool.
        let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
        let mut listener = timeout(CONNECT_TIMEOUT, PgListener::connect_with(&own)).await??;
        // If the driver replaced the connection by itself, nobody would know that changes were missed.
        listener.eager_reconnect(false);
        timeout(ANSWER_TIMEOUT, listener.listen(CHANNEL)).await??;
        // This process received no change from before this moment.
        self.templates.everything_changed().await;
        tracing::info!("listening for changes of events");
        loop {
            let asked_at = Instant::now();
            timeout(ANSWER_TIMEOUT, listener.execute("SELECT 1")).await??;
            // Notifications that were sent before the answer arrived before it, and wait in the buffer.
            if let Some(first) = listener.next_buffered() {
                self.apply(first, &mut listener).await;
            }
            self.templates.confirm(asked_at).await;
            self.metrics.listening.set(1);
            self.receive_until(asked_at + CONFIRM_INTERVAL, &mut listener).await?;
        }
    }

    async fn receive_until(&self, until: Instant, listener: &mut PgListener) -> Result<(), SubscriptionError> {
        while Instant::now() < until {
            match timeout_at(until, listener.try_recv()).await {
                Err(_) => return Ok(()),
                Ok(Ok(Some(first))) => self.apply(first, listener).await,
                Ok(Ok(None)) => return Err(SubscriptionError::Closed),
                Ok(Err(error)) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Applies a notification together with those that have arrived behind it.
    async fn apply(&self, first: PgNotification, listener: &mut PgListener) {
        let mut events = Vec::new();
        let mut everything = false;
        let mut next = Some(first);
        while let Some(notification) = next {
            self.metrics.changes.inc();
            match notification.payload() {
                EVERYTHING => everything = true,
                // A payload that is no id names no event that could be kept.
                event => events.extend(event.parse::<EventId>()),
            }
            next = listener.next_buffered();
        }
        if everything {
            self.templates.everything_changed().await;
        } else {
            self.templates.changed(&events).await;
        }
    }
}
