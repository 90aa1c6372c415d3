//! One replica leads and works. The others wait with filled caches.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{LeaseManagerBuilder, LeaseParams};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Seconds after which a lease that nobody renews may be taken over. Waiting replicas look again only when the lease
/// that they saw ends, so a lease that was given back may be taken this much later.
const LEASE_SECONDS: u64 = 10;
/// The holder renews its lease this many seconds before it ends.
const RENEW_BEFORE_END_SECONDS: u64 = 4;
/// The pause before the API server is asked for the lease again.
const RETRY: Duration = Duration::from_secs(2);
/// The longest time that giving the lease back may take. After it the next replica waits until the lease expires.
const RELEASE_LIMIT: Duration = Duration::from_secs(5);

/// Where the lease is, and in which name it is taken.
pub(crate) struct Candidacy {
    pub namespace: String,
    /// The name of this replica.
    pub identity: String,
}

/// Competes for the lease until `stop`, reports in `leading` whether it holds it, and gives it back at the end.
pub(crate) async fn campaign(
    client: Client,
    candidacy: Candidacy,
    leading: watch::Sender<bool>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let parameters = LeaseParams::new(candidacy.identity.clone(), LEASE_SECONDS, RENEW_BEFORE_END_SECONDS);
        let manager = LeaseManagerBuilder::new(client.clone(), crate::names::FIELD_MANAGER)
            .with_namespace(candidacy.namespace.clone())
            .with_parameters(parameters)
            .build()
            .await;
        match manager {
            Ok(manager) => {
                let (mut states, task) = manager.watch().await;
                follow(&mut states, &leading, &stop).await;
                leading.send_replace(false);
                drop(states);
                if tokio::time::timeout(RELEASE_LIMIT, task).await.is_err() {
                    tracing::warn!("cannot give the lease back; it expires by itself");
                }
            }
            Err(error) => tracing::warn!(%error, "cannot reach the lease"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// Passes the lease's state on until `stop`, or until the task that renews the lease ends.
async fn follow(states: &mut watch::Receiver<bool>, leading: &watch::Sender<bool>, stop: &CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = states.changed() => {
                if changed.is_err() {
                    return;
                }
                let leads = *states.borrow_and_update();
                tracing::info!(leads, "leadership changed");
                leading.send_replace(leads);
            }
        }
    }
}
