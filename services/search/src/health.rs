//! Whether the index can answer, looked at again and again.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::index::{Index, IndexState};

/// The pause between two looks at an index that can be used.
const PAUSE_WHILE_WELL: Duration = Duration::from_secs(3);
/// The pause while it cannot: whoever waits for it hears of it this soon.
const PAUSE_WHILE_NOT: Duration = Duration::from_millis(500);

/// What is known of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexHealth {
    /// Nobody has looked yet.
    Unknown,
    /// Elasticsearch does not answer.
    Unreachable(String),
    /// What it answered.
    Known(IndexState),
}

impl IndexHealth {
    /// Why the index cannot answer customers.
    ///
    /// # Errors
    /// The reason, for `/readyz`.
    pub fn check(&self, index: &str) -> Result<(), String> {
        match self {
            Self::Known(IndexState::Filled(_)) => Ok(()),
            Self::Known(IndexState::Unfilled) => Err(format!("index {index} is not filled yet")),
            Self::Known(IndexState::Missing) => {
                Err(format!("index {index} does not exist; `search prepare-index` makes it"))
            }
            Self::Unreachable(error) => Err(format!("Elasticsearch does not answer: {error}")),
            Self::Unknown => Err("nobody has asked Elasticsearch yet".to_owned()),
        }
    }
}

/// Starts looking. What was seen last is in the receiver.
#[must_use]
pub fn watch(index: Index, shutdown: CancellationToken) -> watch::Receiver<IndexHealth> {
    let (sender, receiver) = watch::channel(IndexHealth::Unknown);
    tokio::spawn(async move {
        loop {
            let health = match index.state().await {
                Ok(state) => IndexHealth::Known(state),
                Err(error) => IndexHealth::Unreachable(error.to_string()),
            };
            let pause = if health.check(index.name()).is_ok() { PAUSE_WHILE_WELL } else { PAUSE_WHILE_NOT };
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
