//! Processes as the kernel shows them in `/proc`.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use procfs::process::{self, Process};

/// One process: its number and the time at which it started. The kernel gives a number again, but never both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    pub pid: u32,
    /// In clock ticks since the machine started.
    pub started: u64,
}

impl Life {
    /// The process that has this number now. A zombie counts as ended: it only waits for its parent to notice.
    pub(super) fn of(pid: u32) -> Option<Self> {
        // State and start time are read at once: between two reads the process may end and its number be given again.
        let stat = process(pid)?.stat().ok()?;
        (!matches!(stat.state, 'Z' | 'X')).then_some(Self { pid, started: stat.starttime })
    }

    pub(super) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// The process that this one started first.
    pub(super) fn first_child(self) -> Option<u32> {
        let children = process(self.pid)?.task_main_thread().ok()?.children().ok()?;
        children.first().copied()
    }
}

/// Whether a thread of this process runs or is still ending. A process whose first thread has ended looks like a zombie,
/// while its other threads hold on to its sockets and files.
pub(super) fn has_live_thread(pid: u32) -> bool {
    let threads = process(pid).and_then(|process| process.tasks().ok()).into_iter().flatten().flatten();
    threads.filter_map(|thread| thread.stat().ok()).any(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// The processes that have this folder mounted as `/data`, whoever started them.
pub(super) fn processes_on(data: &Path) -> Vec<u32> {
    let identity = |path: &Path| fs::metadata(path).map(|folder| (folder.dev(), folder.ino())).ok();
    let Some(data) = identity(data) else { return Vec::new() };
    let processes = process::all_processes().into_iter().flatten().flatten();
    let pids = processes.filter_map(|process| u32::try_from(process.pid()).ok());
    pids.filter(|pid| identity(Path::new(&format!("/proc/{pid}/root/data"))) == Some(data)).collect()
}

/// Memory of these processes in MiB. A page that several processes share is divided among them, so the sum counts it once.
pub(super) fn memory_mib(pids: &[u32]) -> u64 {
    const BYTES_PER_MIB: u64 = 1024 * 1024;
    let bytes = |pid: &u32| {
        let rollup = process(*pid)?.smaps_rollup().ok()?;
        rollup.memory_map_rollup.iter().find_map(|map| map.extension.map.get("Pss").copied())
    };
    pids.iter().filter_map(bytes).sum::<u64>() / BYTES_PER_MIB
}

fn process(pid: u32) -> Option<Process> {
    Process::new(i32::try_from(pid).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_lives_until_it_ends_even_if_nobody_has_waited_for_it() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        let life = Life::of(child.id()).expect("it lives");
        assert!(life.is_alive());
        child.kill().expect("killed");
        while life.is_alive() {
            std::thread::yield_now();
        }
        child.wait().expect("ended");
    }

    #[test]
    fn a_number_that_was_given_again_is_another_process() {
        let this = Life::of(std::process::id()).expect("it lives");
        assert!(!Life { started: this.started + 1, ..this }.is_alive());
    }

    #[test]
    fn the_first_child_is_that_of_the_main_thread() {
        let mut child = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().expect("sh");
        let life = Life::of(child.id()).expect("it lives");
        let grandchild = loop {
            if let Some(pid) = life.first_child() {
                break Life::of(pid).expect("it lives");
            }
        };
        assert!(grandchild.is_alive());
        crate::signal::send(grandchild.pid, crate::signal::Signal::KILL).expect("killed");
        child.wait().expect("ended");
    }

    #[test]
    fn a_process_lives_as_long_as_one_of_its_threads() {
        assert!(has_live_thread(std::process::id()));
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        assert!(has_live_thread(child.id()));
        child.kill().expect("killed");
        while has_live_thread(child.id()) {
            std::thread::yield_now();
        }
        child.wait().expect("ended");
    }

    #[test]
    fn a_process_has_memory() {
        assert!(memory_mib(&[std::process::id()]) > 0);
    }
}
