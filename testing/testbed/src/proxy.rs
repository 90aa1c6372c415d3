//! A TCP proxy on loopback that a test can cut and mend, to prove what happens without a store and after its return.

use std::sync::Arc;

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Cut,
    Silent,
}

/// Forwards connections to a target until it is cut.
pub struct Proxy {
    /// Where it listens, `host:port`.
    pub addr: String,
    state: Arc<watch::Sender<State>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts forwarding to `target` (`host:port`).
    ///
    /// # Panics
    /// When no loopback port is free.
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let addr = listener.local_addr().expect("a bound listener has an address").to_string();
        let state = Arc::new(watch::Sender::new(State::Open));
        let (target, seen) = (target.to_owned(), state.subscribe());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target.clone(), seen.clone()));
            }
        });
        Self { addr, state, accepting }
    }

    /// Ends all connections and refuses new ones.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Forwards nothing more and closes nothing, as if the target's machine had lost its power.
    pub fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Forwards new connections again.
    pub fn mend(&self) {
        self.state.send_replace(State::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

async fn forward(mut client: TcpStream, target: String, mut state: watch::Receiver<State>) {
    if *state.borrow() == State::Cut {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = state.wait_for(|state| *state != State::Open) => {}
    }
    // A connection that was silenced never speaks again, even after `mend`.
    if *state.borrow() == State::Silent {
        let _ = state.wait_for(|state| *state == State::Cut).await;
    }
}
