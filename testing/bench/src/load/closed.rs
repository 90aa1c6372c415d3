//! The closed loop: each connection asks again as soon as it was answered. It tells how much can be done at the most.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use serde::Serialize;
use tokio::{sync::Notify, task::unconstrained, time::timeout};

use super::PATIENCE;
use crate::{
    usage::Watched,
    wire::{Connection, Expected},
};

/// A closed loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClosedLoop {
    /// Who is asked.
    pub addr: SocketAddr,
    /// How many ask at once.
    pub connections: usize,
    /// Not counted: caches fill, pools open.
    pub warm_up: Duration,
    /// Counted.
    pub duration: Duration,
}

/// How much was done.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Throughput {
    /// Right answers a second.
    pub per_second: f64,
    /// How many were counted.
    pub answers: u64,
    /// In how many seconds.
    pub seconds: f64,
    /// CPU seconds per 1,000 answers, by process.
    pub cpu_seconds_per_1000: Vec<(&'static str, f64)>,
}

/// The begin of a counted time.
struct Window<'w> {
    watched: &'w Watched,
    cpu: Vec<(&'static str, Duration)>,
    begun: Instant,
}

impl<'w> Window<'w> {
    /// Counting begins now.
    ///
    /// # Errors
    /// When a watched process has ended.
    pub(crate) fn begin(watched: &'w Watched) -> Result<Self> {
        Ok(Self { watched, cpu: watched.cpu()?, begun: Instant::now() })
    }

    /// Counting ends now, after so many answers.
    ///
    /// # Errors
    /// When a watched process has ended, or there was no answer.
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

/// What the connections and the clock tell each other.
#[derive(Default)]
struct Progress {
    answers: Cell<u64>,
    stopped: Cell<bool>,
    exhausted: Notify,
}

impl ClosedLoop {
    /// Runs it. `next` writes the next request, or says that there are no more: then counting ends early.
    ///
    /// # Errors
    /// With the first answer that is not the expected one.
    pub(crate) async fn run(
        self,
        expected: Expected,
        watched: &Watched,
        next: impl FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<Throughput> {
        let connections = Connection::open_many(self.addr, self.connections).await?;
        self.run_on(connections, expected, watched, next).await
    }

    /// Runs it on connections that are open already.
    ///
    /// # Errors
    /// With the first answer that is not the expected one.
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
        // Not interrupted after so many operations: there is nobody else on this thread.
        let (_, throughput) = timeout(self.warm_up + self.duration + PATIENCE, unconstrained(both))
            .await
            .context("answers did not come any more")??;
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
