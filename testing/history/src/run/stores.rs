//! Stores of one run alone: they are killed, stopped and emptied.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use tokio::task::spawn_blocking;

use super::programs::repository;

/// An instance of `dev/stores`. It is gone with all data when this is dropped.
#[derive(Debug)]
pub(crate) struct Stores {
    script: PathBuf,
    name: String,
    environment: BTreeMap<String, String>,
}

impl Stores {
    /// Starts these stores.
    pub(crate) async fn up(name: String, stores: &'static [&'static str]) -> Result<Self> {
        let script = repository()?.join("dev/stores/stores");
        let mut this = Self { script, name, environment: BTreeMap::new() };
        this.call("up", stores).await?;
        let settings = this.call("env", &[]).await?;
        let pairs = settings.lines().filter_map(|line| line.strip_prefix("export TEST_")?.split_once('='));
        this.environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(this)
    }

    /// What `dev/stores env` says behind `TEST_`.
    pub(crate) fn setting(&self, name: &str) -> Result<&str> {
        self.environment.get(name).map(String::as_str).with_context(|| format!("dev/stores does not say TEST_{name}"))
    }

    /// Ends all processes of a store at once, and starts it again.
    pub(crate) async fn kill_and_restart(&self, store: &'static str) -> Result<()> {
        let process = self.pid(store).await?;
        // It holds the store's namespaces, and dev/stores takes the store for alive as long as it is there.
        let holder = parent(process)?;
        signal("KILL", &[process])?;
        while is_alive(holder) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.call("up", &[store]).await.map(drop)
    }

    /// Stops all processes of a store for a while.
    pub(crate) async fn stop_for(&self, store: &'static str, pause: Duration) -> Result<()> {
        let processes = with_descendants(self.pid(store).await?);
        signal("STOP", &processes)?;
        tokio::time::sleep(pause).await;
        signal("CONT", &processes)
    }

    async fn pid(&self, store: &'static str) -> Result<u32> {
        let pid = self.call("pid", &[store]).await?;
        pid.trim().parse().with_context(|| format!("{store} has no process: {pid:?}"))
    }

    async fn call(&self, verb: &str, arguments: &[&str]) -> Result<String> {
        let mut command = self.command(verb);
        command.args(arguments);
        let Output { status, stdout, stderr } = spawn_blocking(move || command.output()).await??;
        ensure!(status.success(), "dev/stores {verb} {arguments:?}: {}", String::from_utf8_lossy(&stderr));
        Ok(String::from_utf8(stdout)?)
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.script);
        command.args(["--name", &self.name, verb]);
        command
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        let wiped = self.command("wipe").output();
        if !wiped.is_ok_and(|output| output.status.success()) {
            eprintln!("the stores of {} stay behind", self.name);
        }
    }
}

/// Sends a signal to processes of ours; one that has ended by itself meanwhile is no error.
pub(crate) fn signal(name: &str, processes: &[u32]) -> Result<()> {
    let ids = processes.iter().map(u32::to_string);
    match Command::new("kill").arg(format!("-{name}")).args(ids).output() {
        Ok(_) => Ok(()),
        Err(error) => bail!("kill -{name}: {error}"),
    }
}

fn status(process: u32, field: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| Some(line.strip_prefix(field)?.trim_start_matches(':').trim().to_owned()))
}

fn parent(process: u32) -> Result<u32> {
    let parent = status(process, "PPid").with_context(|| format!("process {process} is gone"))?;
    Ok(parent.parse()?)
}

/// A zombie is not: it only waits for its parent to notice.
fn is_alive(process: u32) -> bool {
    status(process, "State").is_some_and(|state| !state.starts_with('Z'))
}

/// A process and all that it started, parents first: they start no more once they stand still.
fn with_descendants(process: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    std::iter::once(process).chain(children.flat_map(with_descendants)).collect()
}
