//! The open loop: requests come at a fixed rate, as from customers who do not wait for each other. It measures how long an
//! answer takes.

use std::{
    cell::RefCell,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::{task::unconstrained, time::timeout};

use super::{ENDS_WITHIN, schedule::Schedule, timer::Timer};
use crate::wire::{Connection, Expected};

/// The precision of latencies: three digits, from a microsecond to a minute.
const DIGITS: u8 = 3;
const LONGEST_US: u64 = 60_000_000;
/// The time from opening the connections to the first request.
const LEAD: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenLoop {
    pub addr: SocketAddr,
    /// How many requests can be under way at once. A request without a free connection waits, and its wait counts.
    pub connections: usize,
    /// Arrivals per second.
    pub rate_per_second: f64,
    /// The time before counting begins.
    pub warm_up: Duration,
    /// The time that is counted.
    pub duration: Duration,
}

/// The latencies of answers in milliseconds. A latency begins when the request was due.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Latency {
    /// Arrivals per second.
    pub rate_per_second: f64,
    /// Number of counted answers.
    pub answers: u64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p99_9_ms: f64,
    pub max_ms: f64,
}

/// An empty histogram of latencies, in microseconds.
pub(crate) fn latencies() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LONGEST_US, DIGITS)?)
}

impl Latency {
    /// The quantiles of a histogram of microseconds.
    pub(crate) fn of(histogram: &Histogram<u64>, rate_per_second: f64) -> Self {
        let ms = |microseconds: u64| Duration::from_micros(microseconds).as_secs_f64() * 1000.0;
        Self {
            rate_per_second,
            answers: histogram.len(),
            p50_ms: ms(histogram.value_at_quantile(0.5)),
            p99_ms: ms(histogram.value_at_quantile(0.99)),
            p99_9_ms: ms(histogram.value_at_quantile(0.999)),
            max_ms: ms(histogram.max()),
        }
    }
}

impl OpenLoop {
    /// Runs the loop. `next` writes the next request. It returns false when there are no more, and arrivals end early. The
    /// first unexpected answer is an error.
    pub(crate) async fn run(self, expected: Expected, next: impl FnMut(&mut Vec<u8>) -> bool) -> Result<Latency> {
        Ok(Latency::of(&self.record(expected, next).await?, self.rate_per_second))
    }

    /// Runs the loop and returns all latencies in microseconds, so that several runs can be added.
    pub(crate) async fn record(
        self,
        expected: Expected,
        next: impl FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<Histogram<u64>> {
        let histogram = RefCell::new(latencies()?);
        let next = RefCell::new(next);
        let connections = Connection::open_many(self.addr, self.connections).await?;
        let schedule = Schedule::new(Instant::now() + LEAD, self.rate_per_second, self.warm_up, self.duration);
        let asking = connections.into_iter().map(|connection| ask(connection, expected, &schedule, &next, &histogram));
        timeout(self.warm_up + self.duration + ENDS_WITHIN, unconstrained(try_join_all(asking)))
            .await
            .context("no more answers came")??;
        Ok(histogram.into_inner())
    }
}

/// A free connection takes the next arrival, so an arrival is late only when all connections are busy.
async fn ask(
    mut connection: Connection,
    expected: Expected,
    schedule: &Schedule,
    next: &RefCell<impl FnMut(&mut Vec<u8>) -> bool>,
    histogram: &RefCell<Histogram<u64>>,
) -> Result<()> {
    let mut timer = Timer::new()?;
    let mut request = Vec::new();
    while let Some(arrival) = schedule.take() {
        request.clear();
        if !(next.borrow_mut())(&mut request) {
            break;
        }
        timer.wait_until(arrival.due).await?;
        connection.send(&request).await?;
        expected.read(&mut connection).await?;
        if arrival.counted {
            let microseconds = u64::try_from(arrival.due.elapsed().as_micros()).unwrap_or(LONGEST_US);
            histogram.borrow_mut().saturating_record(microseconds);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A server that answers at once, except that it stalls once.
    async fn server_that_stalls(at_request: usize, for_ms: u64) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = [0; 1024];
            for number in 0.. {
                if stream.read(&mut read).await.unwrap_or(0) == 0 {
                    return;
                }
                if number == at_request {
                    tokio::time::sleep(Duration::from_millis(for_ms)).await;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            }
        });
        addr
    }

    #[tokio::test]
    async fn a_stall_counts_for_all_requests_that_were_due_meanwhile() {
        let open = OpenLoop {
            addr: server_that_stalls(50, 300).await,
            connections: 1,
            rate_per_second: 200.0,
            warm_up: Duration::ZERO,
            duration: Duration::from_secs(1),
        };
        let request = crate::wire::http::get("/", "");
        let histogram = open
            .record(Expected::Status(200), |bytes| {
                bytes.extend_from_slice(&request);
                true
            })
            .await
            .unwrap();
        assert_eq!(histogram.len(), 200);
        // 60 requests were due during the stall. 40 of them waited for more than 100 ms.
        let late = histogram.count_between(100_000, LONGEST_US);
        assert!((35..=60).contains(&late), "{late} requests were late");
        assert!(histogram.max() >= 300_000);
    }
}
