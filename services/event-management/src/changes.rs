//! Listening to the database's signal that an event changed.
//!
//! A connection that has died may look alive for minutes. So silence alone proves nothing: every half second the
//! connection must answer, and what is kept is trusted only for a short time after the last answer.

use std::{sync::Arc, time::Duration};

use sqlx::{
    Executor,
    postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions},
};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{details::Details, metrics::EventMetrics};

/// The channel of `migrations/before/0003_event_changes.sql`.
const CHANNEL: &str = "event_changed";
/// The payload that stands for all events.
const EVERYTHING: &str = "*";

/// Several proofs of hearing fit into the time for which one is trusted.
const PROOF_INTERVAL: Duration = Duration::from_millis(500);
/// Without an answer for this long the connection counts as dead.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// While the database is down, one attempt every now and then is enough to be back within a second.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// Why a connection was given up.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("{0}")]
    Database(#[from] sqlx::Error),
    #[error("PostgreSQL did not answer in time")]
    Silence(#[from] tokio::time::error::Elapsed),
    #[error("the connection was closed")]
    Closed,
}

/// Listens until `shutdown`, with a new connection whenever one is lost.
pub(crate) async fn listen(
    options: PgConnectOptions,
    details: Details,
    metrics: Arc<EventMetrics>,
    shutdown: CancellationToken,
) {
    let listening = async {
        loop {
            let Err(lost) = listen_once(&options, &details, &metrics).await;
            details.deaf();
            metrics.listening.set(0);
            tracing::warn!(reason = %lost, "changes of events are not heard: nothing kept is trusted until they are");
            sleep(RECONNECT_PAUSE).await;
        }
    };
    tokio::select! {
        () = listening => {}
        () = shutdown.cancelled() => {}
    }
}

/// One connection's life.
async fn listen_once(
    options: &PgConnectOptions,
    details: &Details,
    metrics: &EventMetrics,
) -> Result<std::convert::Infallible, Lost> {
    // Outside of the service's pool: this connection is never given back.
    let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
    let mut listener = timeout(CONNECT_TIMEOUT, PgListener::connect_with(&own)).await??;
    // A connection replaced behind our back would hide that changes were missed.
    listener.eager_reconnect(false);
    timeout(ANSWER_TIMEOUT, listener.listen(CHANNEL)).await??;
    // What changed before this moment was heard by nobody here.
    details.everything_changed().await;
    tracing::info!("listening for changes of events");
    loop {
        let asked_at = Instant::now();
        timeout(ANSWER_TIMEOUT, listener.execute("SELECT 1")).await??;
        // What was announced before the answer came before it on the wire, and waits in the buffer.
        if let Some(first) = listener.next_buffered() {
            apply(first, &mut listener, details, metrics).await;
        }
        details.heard(asked_at).await;
        metrics.listening.set(1);
        hear_until(asked_at + PROOF_INTERVAL, &mut listener, details, metrics).await?;
    }
}

async fn hear_until(
    until: Instant,
    listener: &mut PgListener,
    details: &Details,
    metrics: &EventMetrics,
) -> Result<(), Lost> {
    while Instant::now() < until {
        match timeout_at(until, listener.try_recv()).await {
            Err(_) => return Ok(()),
            Ok(Ok(Some(first))) => apply(first, listener, details, metrics).await,
            Ok(Ok(None)) => return Err(Lost::Closed),
            Ok(Err(error)) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Applies a notification together with those that have arrived behind it.
async fn apply(first: PgNotification, listener: &mut PgListener, details: &Details, metrics: &EventMetrics) {
    let mut events = Vec::new();
    let mut everything = false;
    let mut next = Some(first);
    while let Some(notification) = next {
        metrics.changes.inc();
        match notification.payload() {
            EVERYTHING => everything = true,
            // A payload that is no UUID names no event that could be kept.
            uuid => events.extend(Uuid::parse_str(uuid)),
        }
        next = listener.next_buffered();
    }
    if everything {
        details.everything_changed().await;
    } else {
        details.changed(&events).await;
    }
}
