//! Generators of load. Both run on one thread: the machine's cores belong to what is measured.

mod closed;
mod open;
mod schedule;
mod timer;

pub(crate) use closed::{ClosedLoop, Throughput};
pub(crate) use open::{Latency, OpenLoop, latencies};

use std::time::Duration;

/// Beyond its planned time a load may take this long to end; then the run fails.
const PATIENCE: Duration = Duration::from_secs(30);
