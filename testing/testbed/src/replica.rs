//! A service inside the test's own process.

use std::{fmt::Debug, net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A running replica on a free loopback port. It is asked to end when this value is dropped.
#[derive(Debug)]
pub struct Replica {
    pub addr: SocketAddr,
    /// `http://host:port`.
    pub url: String,
    shutdown: DropGuard,
    running: JoinHandle<()>,
}

/// A service drains for at most this long.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

impl Replica {
    /// Starts a service: `Replica::start(|listener, shutdown| booking::run(listener, settings, shutdown))`.
    ///
    /// # Panics
    /// When no port is free. An error of the service is a panic of [`Replica::stop`].
    pub async fn start<F, E>(run: impl FnOnce(TcpListener, CancellationToken) -> F) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Debug,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let shutdown = CancellationToken::new();
        let service = run(listener, shutdown.clone());
        let running = tokio::spawn(async move { service.await.expect("the service runs") });
        Self { addr, url: format!("http://{addr}"), shutdown: shutdown.drop_guard(), running }
    }

    /// Asks the service to end, as SIGTERM does, and waits until it has.
    ///
    /// # Panics
    /// When the service ended with an error, or does not end.
    pub async fn stop(self) {
        drop(self.shutdown);
        let ended = tokio::time::timeout(ENDS_WITHIN, self.running).await.expect("the service ends in time");
        ended.expect("the service ended well");
    }
}
