//! A proxy in front of PostgreSQL that disturbs only the connections that listen for notifications.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The pause between two looks whether a new connection has begun to listen.
const POLL: Duration = Duration::from_millis(10);

/// What happens to listening connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Cut,
    Silent,
}

/// Forwards connections to PostgreSQL. A connection counts as listening once it has sent `LISTEN`.
#[derive(Debug)]
pub struct NotificationProxy {
    /// Where it listens, `host:port`.
    pub addr: String,
    state: Arc<watch::Sender<State>>,
}

impl NotificationProxy {
    /// Starts forwarding to `target` (`host:port`).
    ///
    /// # Panics
    /// When no loopback port is free.
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let addr = listener.local_addr().expect("a bound listener has an address").to_string();
        let state = Arc::new(watch::Sender::new(State::Open));
        let (target, seen) = (target.to_owned(), state.subscribe());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target.clone(), seen.clone()));
            }
        });
        Self { addr, state }
    }

    /// Closes connections that listen, and those that begin to.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Leaves listening connections open, and forwards nothing on them in either direction.
    pub fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Forwards new listening connections again.
    pub fn mend(&self) {
        self.state.send_replace(State::Open);
    }
}

async fn forward(client: TcpStream, target: String, mut state: watch::Receiver<State>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let listens = Arc::new(AtomicBool::new(false));
    let noticed = listens.clone();
    let (mut for_requests, mut for_answers) = (state.clone(), state.clone());
    let requests = async {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            if buffer[..length].windows(6).any(|word| word.eq_ignore_ascii_case(b"LISTEN")) {
                noticed.store(true, Ordering::Relaxed);
            }
            if noticed.load(Ordering::Relaxed) && for_requests.wait_for(|state| *state != State::Silent).await.is_err()
            {
                return;
            }
            if to_server.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    let answers = async {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            if listens.load(Ordering::Relaxed) && for_answers.wait_for(|state| *state != State::Silent).await.is_err() {
                return;
            }
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    let cut = async {
        loop {
            if *state.borrow_and_update() == State::Cut && listens.load(Ordering::Relaxed) {
                return;
            }
            // No change is reported when a connection begins to listen while the proxy is cut, so it looks regularly.
            let _ = tokio::time::timeout(POLL, state.changed()).await;
        }
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
        () = cut => {}
    }
}
