//! A way to PostgreSQL on which only the connections that listen for notifications can be disturbed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Carried,
    Cut,
    Hung,
}

/// The wire, and what becomes of the listening connections on it.
pub(crate) struct Wire {
    pub addr: String,
    fate: Arc<watch::Sender<Fate>>,
}

impl Wire {
    pub(crate) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let fate = Arc::new(watch::Sender::new(Fate::Carried));
        let (target, seen) = (target.to_owned(), fate.subscribe());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target.clone(), seen.clone()));
            }
        });
        Self { addr, fate }
    }

    /// Connections that listen, or begin to, are closed.
    pub(crate) fn cut_listeners(&self) {
        self.fate.send_replace(Fate::Cut);
    }

    /// Connections that listen, or begin to, stay open, and nothing passes in either direction.
    pub(crate) fn hang_listeners(&self) {
        self.fate.send_replace(Fate::Hung);
    }

    /// New connections that listen work again.
    pub(crate) fn mend(&self) {
        self.fate.send_replace(Fate::Carried);
    }
}

async fn carry(client: TcpStream, target: String, mut fate: watch::Receiver<Fate>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let listens = Arc::new(AtomicBool::new(false));
    let noticed = listens.clone();
    let (mut for_requests, mut for_answers) = (fate.clone(), fate.clone());
    let requests = async {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            if buffer[..length].windows(6).any(|word| word.eq_ignore_ascii_case(b"LISTEN")) {
                noticed.store(true, Ordering::Relaxed);
            }
            if noticed.load(Ordering::Relaxed) && for_requests.wait_for(|fate| *fate != Fate::Hung).await.is_err() {
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
            if listens.load(Ordering::Relaxed) && for_answers.wait_for(|fate| *fate != Fate::Hung).await.is_err() {
                return;
            }
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    let cut = async {
        loop {
            if *fate.borrow_and_update() == Fate::Cut && listens.load(Ordering::Relaxed) {
                return;
            }
            // A listener that begins while the wire is cut is noticed by the next look.
            let _ = tokio::time::timeout(crate::service::POLL, fate.changed()).await;
        }
    };
    tokio::select! {
        () = requests => {}
        () = answers => {}
        () = cut => {}
    }
}
