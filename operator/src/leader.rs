//! One replica works, the others wait with warm caches.

use std::time::Duration;

use kube::Client;
use kube_lease_manager::{LeaseManagerBuilder, LeaseParams};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Seconds after which a lease nobody renews may be taken over. Those who wait look again only when the lease they saw
/// ends, so a lease that was given back is taken up to this much later.
const LEASE_SECONDS: u64 = 10;
/// Seconds before its end at which the holder renews it.
const RENEW_BEFORE_END_SECONDS: u64 = 4;
/// Pause before the API server is asked again for the lease.
const RETRY: Duration = Duration::from_secs(2);
/// Longest time for giving the lease back at the end. Without it the next replica waits for its expiry.
const RELEASE_LIMIT: Duration = Duration::from_secs(5);

/// Where the lease is, and in whose name it is taken.
pub(crate) struct Candidacy {
    /// Namespace of the lease.
    pub namespace: String,
    /// This replica.
    pub identity: String,
}

/// Stands for election until told to stop, says in `leading` how it goes, and gives the lease back at the end.
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
                    tracing::warn!("the lease could not be given back; it expires by itself");
                }
            }
            Err(error) => tracing::warn!(%error, "the lease cannot be reached"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// Passes the lease's state on until told to stop or until its keeper ends.
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
