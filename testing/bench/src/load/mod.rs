//! Generators of load. Both run on one thread, so that the cores are free for what is measured.

mod closed;
mod open;
mod schedule;
mod timer;

pub(crate) use closed::{ClosedLoop, Throughput};
pub(crate) use open::{Latency, OpenLoop, latencies};

use std::time::Duration;

/// After its planned time a load must end within this time, or the run fails.
const ENDS_WITHIN: Duration = Duration::from_secs(30);
