//! The run's clock, and the recorder of everything that happens.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::history::{Fault, FaultKind, Operation};

/// Records requests and faults with times from one clock.
pub(crate) struct Recorder {
    begun: Instant,
    closed: AtomicBool,
    operations: Mutex<Vec<Operation>>,
    faults: Mutex<Vec<Fault>>,
    not_sent: AtomicU64,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        Self {
            begun: Instant::now(),
            closed: AtomicBool::new(false),
            operations: Mutex::default(),
            faults: Mutex::default(),
            not_sent: AtomicU64::new(0),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(crate) fn now_us(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(crate) fn operation(&self, operation: Operation) {
        self.operations.lock().expect("no panic").push(operation);
    }

    /// Counts a request that reached no server because the connection was refused.
    pub(crate) fn not_sent(&self) {
        self.not_sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Records a fault that began at `start_us` and ends now.
    pub(crate) fn fault(&self, what: FaultKind, part: &str, start_us: u64) {
        let fault = Fault { what, part: part.to_owned(), start_us, end_us: self.now_us() };
        self.faults.lock().expect("no panic").push(fault);
    }

    /// Tells all customers to stop.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> (Vec<Operation>, Vec<Fault>, u64) {
        let operations = std::mem::take(&mut *self.operations.lock().expect("no panic"));
        let faults = std::mem::take(&mut *self.faults.lock().expect("no panic"));
        (operations, faults, self.not_sent.load(Ordering::Relaxed))
    }
}
