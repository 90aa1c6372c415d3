//! Where things are: what was fetched (shared by all instances) and what an instance keeps for itself.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::Store;

/// Folders of one instance.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    /// Folders of all instances, named `stores-NAME`, are in here.
    pub state: PathBuf,
    /// `ports`, `data/`, `log/`, `run/` and `secrets/`.
    pub instance: PathBuf,
    repository: PathBuf,
}

impl Folders {
    pub(super) fn of_instance(name: &str, repository: PathBuf) -> Result<Self> {
        let state = state_folder().context("neither TICKET_STATE, XDG_STATE_HOME nor HOME is set")?;
        Ok(Self::in_state(name, state, repository))
    }

    pub(super) fn in_state(name: &str, state: PathBuf, repository: PathBuf) -> Self {
        Self { instance: state.join(format!("stores-{name}")), state, repository }
    }

    /// The folder of the stores' files. They are fetched when they are missing.
    pub(super) async fn fetched(&self) -> Result<PathBuf> {
        let fetch = self.sources().join("fetch");
        let output = Command::new(&fetch).stderr(Stdio::inherit()).output().await;
        let output = output.with_context(|| format!("{} cannot be run", fetch.display()))?;
        ensure!(output.status.success(), "the stores cannot be fetched");
        Ok(String::from_utf8(output.stdout)?.trim().into())
    }

    /// The scripts that fetch and unpack.
    pub(super) fn sources(&self) -> PathBuf {
        self.repository.join("dev/stores")
    }

    /// The folder of a store's start script. It belongs to the chart, and the pods run the same script.
    pub(super) fn start_script(&self, store: Store) -> PathBuf {
        self.repository.join("charts/ticket-stores/files").join(store.name())
    }

    pub(super) fn data(&self, store: Store) -> PathBuf {
        self.instance.join("data").join(store.name())
    }

    pub(super) fn log(&self, store: Store) -> PathBuf {
        self.instance.join("log").join(store.name())
    }

    /// The file that names the process which holds the store.
    pub(super) fn run(&self, store: Store) -> PathBuf {
        self.instance.join("run").join(store.name())
    }

    pub(super) fn ports(&self) -> PathBuf {
        self.instance.join("ports")
    }
}

fn state_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("TICKET_STATE").or_else(|| {
        let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?;
        Some(state.join("ticket-platform"))
    })
}
