//! Serves connections with hyper itself, because `axum::serve` exposes neither its limits nor its drain.

use std::{io, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{health::Health, settings::ServerSettings};

/// The pause after a failed `accept`, which fails when the process has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown`, then drains. The service is no longer ready at once, but accepts connections for another
/// `drain_delay`.
/// Then it cancels [`Health::closing`] and ends each connection after its request, within `drain_timeout`.
///
/// # Errors
/// When the listener has no address.
pub async fn serve(
    listener: TcpListener,
    settings: &ServerSettings,
    app: Router,
    health: &Health,
    shutdown: CancellationToken,
) -> io::Result<()> {
    tracing::info!(addr = %listener.local_addr()?, "listening");
    let server = server(settings);
    let connections = GracefulShutdown::new();
    let balancers_know = unready_for_a_while(health, settings.drain_delay, &shutdown);
    tokio::pin!(balancers_know);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut balancers_know => break,
        };
        let app = app.clone();
        let service =
            hyper::service::service_fn(move |request: Request<Incoming>| app.clone().oneshot(request.map(Body::new)));
        let connection =
            server.serve_connection(TokioIo::new(Box::pin(bounded(stream, settings))), service).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "connection ended");
            }
        });
    }
    drop(listener);
    health.close();
    if tokio::time::timeout(settings.drain_timeout, connections.shutdown()).await.is_err() {
        tracing::warn!(
            seconds = settings.drain_timeout.as_secs(),
            "requests were still under way when the drain ended"
        );
    }
    tracing::info!("drained");
    Ok(())
}

/// Speaks HTTP/1 only. To tell HTTP/2 from it, hyper waits for the first bytes without a time limit. Clients of the
/// contract speak HTTP/1 or come through a proxy that does.
fn server(settings: &ServerSettings) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new()).http1_only();
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.read_timeout)
        .max_buf_size(settings.max_header_bytes);
    server
}

/// A stream on which a write fails when it makes no progress: the connection of a client that does not read its answer
/// ends.
fn bounded(stream: TcpStream, settings: &ServerSettings) -> TimeoutStream<TcpStream> {
    // Answers are written whole, so waiting for more to send only costs time. If this call fails, nothing else is lost.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(settings.write_timeout));
    stream
}

/// Ends when load balancers have had time to notice that this process goes away.
async fn unready_for_a_while(health: &Health, delay: Duration, shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    health.drain();
    tokio::time::sleep(delay).await;
}
