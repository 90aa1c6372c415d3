//! The closed loop: each connection sends a request as soon as the one before was answered. It measures the largest possible
//! throughput.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use serde::Serialize;
use tokio::{sync::Notify, task::unconstrained, time::timeout};

use super::ENDS_WITHIN;
use crate::{
    usage::Watched,
    wire::{Connection, Expected},
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct ClosedLoop {
    pub addr: SocketAddr,
    /// Number of connections, each with one request at a time.
    pub connections: usize,
    /// The time before counting begins, in which caches fill and pools open.
    pub warm_up: Duration,
    /// The time that is counted.
    pub duration: Duration,
}

/// The result of a closed loop.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Throughput {
    /// Expected answers per second.
    pub per_second: f64,
    /// Number of counted answers.
    pub answers: u64,
    /// The counted time.
    pub seconds: f64,
    /// CPU seconds per 1,000 answers, by process.
    pub cpu_seconds_per_1000: Vec<(&'static str, f64)>,
}

/// The begin of the counted time.
struct Window<'b> {
    watched: &'b Watched,
    cpu: Vec<(&'static str, Duration)>,
    begun: Instant,
}

impl<'b> Window<'b> {
    pub(crate) fn begin(watched: &'b Watched) -> Result<Self> {
        Ok(Self { watched, cpu: watched.cpu()?, begun: Instant::now() })
    }

    /// Ends counting. It is an error when there was no answer.
    pub(crate) fn end(self, answers: u64) -> Result<Throughput> {
        let seconds = self.begun.elapsed().as_secs_f64();
        if answers == 0 {
            bail!("no answer within {seconds:.1} s");
        }
        let used = self.watched.cpu()?.into_iter().zip(self.cpu);
        let cpu_seconds_per_1000 = used
            .map(|((name, after), (_, before))| (name, (after - before).as_secs_f64() * 1000.0 / answers as f64))
            .collect();
        Ok(Throughput { per_second: answers as f64 / seconds, answers, seconds, cpu_seconds_per_1000 })
    }
}

/// The state that the connections and the clock share.
#[derive(Default)]
struct Progress {
    answers: Cell<u64>,
    stopped: Cell<bool>,
    exhausted: Notify,
}

impl ClosedLoop {
    /// Runs the loop. `next` writes the next request. It returns false when there are no more, and counting ends early. The
    /// first unexpected answer is an error.
    pub(crate) async fn run(
        self,
        expected: Expected,
        watched: &Watched,
        next: impl FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<Throughput> {
        let connections = Connection::open_many(self.addr, self.connections).await?;
        self.run_on(connections, expected, watched, next).await
    }

    /// Runs the loop on connections that are open already.
    pub(crate) async fn run_on(
        self,
        connections: Vec<Connection>,
        expected: Expected,
        watched: &Watched,
        next: impl FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<Throughput> {
        let progress = Progress::default();
        let next = RefCell::new(next);
        let asking =
            try_join_all(connections.into_iter().map(|connection| ask(connection, expected, &progress, &next)));
        let both = async { tokio::try_join!(asking, self.count(&progress, watched)) };
        // Nothing else runs on this thread, so the loop need not yield.
        let (_, throughput) = timeout(self.warm_up + self.duration + ENDS_WITHIN, unconstrained(both))
            .await
            .context("no more answers came")??;
        Ok(throughput)
    }

    async fn count(self, progress: &Progress, watched: &Watched) -> Result<Throughput> {
        tokio::select! {
            () = tokio::time::sleep(self.warm_up) => {}
            () = progress.exhausted.notified() => bail!("requests ran out while warming up"),
        }
        let window = Window::begin(watched)?;
        let before = progress.answers.get();
        tokio::select! {
            () = tokio::time::sleep(self.duration) => {}
            () = progress.exhausted.notified() => {}
        }
        let throughput = window.end(progress.answers.get() - before);
        progress.stopped.set(true);
        throughput
    }
}

async fn ask(
    mut connection: Connection,
    expected: Expected,
    progress: &Progress,
    next: &RefCell<impl FnMut(&mut Vec<u8>) -> bool>,
) -> Result<()> {
    let mut request = Vec::new();
    while !progress.stopped.get() {
        request.clear();
        if !(next.borrow_mut())(&mut request) {
            progress.exhausted.notify_one();
            break;
        }
        connection.send(&request).await?;
        expected.read(&mut connection).await?;
        progress.answers.set(progress.answers.get() + 1);
    }
    Ok(())
}
