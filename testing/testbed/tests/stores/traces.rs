//! What a stopped instance must not leave on the machine.

use std::{fs, os::unix::fs::MetadataExt};

use anyhow::{Result, ensure};

use crate::support::TestInstance;

/// The numeric user of every store.
const STORE_USER: u32 = 65_532;

pub(crate) async fn down_leaves_no_process_mount_or_memory(instance: &TestInstance) -> Result<()> {
    // Each holder has the instance's folder as an argument.
    let folder = format!("stores-{}", instance.own.name);
    ensure!(!processes_with(&folder).is_empty(), "no process names {folder} while the stores run");
    instance.command(&["down"]).await?;
    let processes = processes_with(&folder);
    ensure!(processes.is_empty(), "{processes:?}");
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    ensure!(!mounts.contains(&folder), "{mounts}");
    let (before, after) = (&instance.shared_memory_before, shared_memory_of_stores());
    ensure!(*before == after, "shared memory before: {before:?}, after: {after:?}");
    Ok(())
}

/// The command lines that have this text.
fn processes_with(text: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|process| fs::read_to_string(process.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(text)).collect()
}

/// Segments and files of shared memory that belong to the stores' user.
pub(crate) fn shared_memory_of_stores() -> Vec<String> {
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let of_stores = |line: &&str| line.split_whitespace().any(|field| field == STORE_USER.to_string());
    let files = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let files = files.filter(|file| file.metadata().is_ok_and(|file| file.uid() == STORE_USER));
    let mut found: Vec<String> = segments.lines().filter(of_stores).map(str::to_owned).collect();
    found.extend(files.map(|file| file.path().display().to_string()));
    found
}
