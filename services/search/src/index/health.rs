//! Checking again and again whether the index can answer queries.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{client::Index, lifecycle::IndexState};

/// The pause between two checks while the index can answer.
const PAUSE_WHILE_HEALTHY: Duration = Duration::from_secs(3);
/// The pause while it cannot. It is short, because the readiness probe and the feed wait for a change.
const PAUSE_WHILE_UNHEALTHY: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexHealth {
    /// No check has ended yet.
    Unknown,
    /// Elasticsearch does not answer; the text says why.
    Unreachable(String),
    Known(IndexState),
}

impl IndexHealth {
    /// Checks that the index can answer queries.
    ///
    /// # Errors
    /// The reason, for `/readyz`.
    pub(crate) fn check(&self, index: &str) -> Result<(), String> {
        match self {
            Self::Known(IndexState::Filled(_)) => Ok(()),
            Self::Known(IndexState::Unfilled) => Err(format!("index {index} is not filled yet")),
            Self::Known(IndexState::Missing) => {
                Err(format!("index {index} does not exist; `search prepare-index` makes it"))
            }
            Self::Unreachable(error) => Err(format!("Elasticsearch does not answer: {error}")),
            Self::Unknown => Err("Elasticsearch has not been asked yet".to_owned()),
        }
    }
}

/// Starts the checks. The receiver holds the result of the last one.
pub(crate) fn watch(index: Index, shutdown: CancellationToken) -> watch::Receiver<IndexHealth> {
    let (sender, receiver) = watch::channel(IndexHealth::Unknown);
    tokio::spawn(async move {
        loop {
            let health = match index.state().await {
                Ok(state) => IndexHealth::Known(state),
                Err(error) => IndexHealth::Unreachable(error.to_string()),
            };
            let pause = if health.check(index.name()).is_ok() { PAUSE_WHILE_HEALTHY } else { PAUSE_WHILE_UNHEALTHY };
            sender.send_if_modified(|known| {
                let changed = *known != health;
                if changed {
                    tracing::info!(index = index.name(), ?health, "the index' health changed");
                    *known = health;
                }
                changed
            });
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
    receiver
}
