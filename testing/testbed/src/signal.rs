//! Signals to processes of our own.

use std::io;

pub(crate) use rustix::process::Signal;
use rustix::{
    io::Errno,
    process::{Pid, kill_process},
};

/// Sends a signal. A process that has ended meanwhile is no error.
pub(crate) fn send(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("not the number of a process"))?;
    match kill_process(pid, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
