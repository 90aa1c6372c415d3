//! CPU time and memory of processes, from `/proc`.

use std::{fs, time::Duration};

use anyhow::{Context, Result};
use serde::Serialize;

/// A process whose CPU time is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Process {
    /// A process without children.
    Single(u32),
    /// A process whose children work for it, such as PostgreSQL.
    WithChildren(u32),
}

impl Process {
    /// The CPU time that it has used so far, in user and kernel mode. It is an error when the process has ended.
    pub(crate) fn cpu(self) -> Result<Duration> {
        let ticks = match self {
            Self::Single(pid) => stat(pid)?.own,
            Self::WithChildren(pid) => {
                let parent = stat(pid)?;
                // A child that ends between the two reads is missing in both. The next call counts its time.
                let living: u64 = children(pid)?.into_iter().filter_map(|child| stat(child).ok()).map(|s| s.own).sum();
                parent.own + parent.of_ended_children + living
            }
        };
        Ok(seconds_of(ticks))
    }
}

/// Named processes whose CPU time is measured together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watched(pub Vec<(&'static str, Process)>);

impl Watched {
    /// The CPU time that each has used so far.
    pub(crate) fn cpu(&self) -> Result<Vec<(&'static str, Duration)>> {
        let each = self
            .0
            .iter()
            .map(|(name, process)| Ok((*name, process.cpu().with_context(|| format!("{name} has ended"))?)));
        each.collect()
    }
}

/// The CPU time that the whole machine has used so far, including what its host took from it.
pub(crate) fn machine_cpu() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat")?;
    parse_machine(&text).map(seconds_of).context("/proc/stat has an unknown format")
}

/// The first line of proc_stat(5): all fields up to `steal` except `idle` and `iowait`. The other fields already include the
/// time of guests.
fn parse_machine(text: &str) -> Option<u64> {
    let (idle, iowait, steal) = (3, 4, 7);
    let fields = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let busy = fields.enumerate().filter(|(field, _)| ![idle, iowait].contains(field) && *field <= steal);
    busy.map(|(_, ticks)| ticks.parse::<u64>().ok()).sum()
}

fn seconds_of(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Memory of a process, in MiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Memory {
    /// The largest resident size since the start of the process.
    pub peak_mib: f64,
    /// The resident size now.
    pub resident_mib: f64,
}

/// The memory of a process. It is an error when the process has ended.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mib = |name| kibibytes(&status, name).map(|kib| kib / 1024.0).context("the kernel shows no memory");
    Ok(Memory { peak_mib: mib("VmHWM:")?, resident_mib: mib("VmRSS:")? })
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok())
}

struct Stat {
    own: u64,
    of_ended_children: u64,
}

fn stat(pid: u32) -> Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse_stat(&text).context("/proc/PID/stat has an unknown format")
}

/// Fields 14 to 17 of proc_pid_stat(5). They are counted from behind the program's name, which may contain anything.
fn parse_stat(text: &str) -> Option<Stat> {
    const UTIME_BEHIND_NAME: usize = 11;
    let (_, behind_name) = text.rsplit_once(')')?;
    let mut times = behind_name.split_whitespace().skip(UTIME_BEHIND_NAME).map(|field| field.parse::<u64>().ok());
    let mut next = || times.next()?;
    Some(Stat { own: next()? + next()?, of_ended_children: next()? + next()? })
}

fn children(pid: u32) -> Result<Vec<u32>> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194304 105 20 0 0 11 22 33 44 20 0 1 0 100 9 9";
        let stat = parse_stat(text).expect("a stat");
        assert_eq!((stat.own, stat.of_ended_children), (33, 77));
    }

    #[test]
    fn the_machine_is_busy_when_it_neither_idles_nor_waits() {
        assert_eq!(parse_machine("cpu  1 2 4 1000 1000 8 16 32 64 64\ncpu0 9 9 9 9 9 9 9 9 9 9\n"), Some(63));
    }

    #[test]
    fn memory_is_read_in_mebibytes() {
        let status = "Name:\tbooking\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(20480.0));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }

    #[test]
    fn a_running_process_has_memory_and_time() {
        let own = std::process::id();
        assert!(memory(own).expect("memory").peak_mib > 0.0);
        assert!(Process::WithChildren(own).cpu().is_ok());
    }
}
