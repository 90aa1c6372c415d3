//! The instance of these tests, reached through the library and through the command.

use std::{process::Output, time::Duration};

use anyhow::{Context, Result, ensure};
use testbed::{OwnInstance, Program, Store, Stores, repository, within};
use tokio::task::spawn_blocking;

/// Kafka Connect needs most of it to take up its work after a restart.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct TestInstance {
    pub own: OwnInstance,
    pub stores: Stores,
    pub client: reqwest::Client,
    /// Shared memory of all users of stores on this machine, before the instance started.
    pub shared_memory_before: Vec<String>,
}

impl TestInstance {
    pub(crate) async fn up(shared_memory_before: Vec<String>) -> Self {
        // `dev/test` gives the name, so that it can clear up after a run that was interrupted.
        let name = std::env::var("TEST_INSTANCE").unwrap_or_else(|_| format!("test-stores-{}", std::process::id()));
        let own = OwnInstance::up(&name, &Store::ALL).await.expect("it starts");
        let stores = own.addresses().expect("addresses");
        let client = reqwest::Client::new();
        Self { own, stores, client, shared_memory_before }
    }

    /// Runs the program of `dev/stores/stores` for this instance, and returns what it prints to both its outputs.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<String> {
        let program = Program::new(env!("CARGO_BIN_EXE_ticket-stores"))
            .environment(std::env::vars())
            .arguments(["--repository".into(), repository().into_os_string()])
            .arguments(["--name", &self.own.name])
            .arguments(arguments.iter().copied());
        let Output { status, stdout, stderr } = spawn_blocking(move || program.run()).await??;
        let printed = String::from_utf8([stdout, stderr].concat())?;
        ensure!(status.success(), "stores {arguments:?}: {printed}");
        Ok(printed)
    }

    pub(crate) fn is_down(&self, store: Store) -> Result<bool> {
        let status = self.own.status()?;
        let line = status.lines().find(|line| line.starts_with(store.name())).context("a line for each store")?;
        Ok(line.ends_with("down"))
    }

    /// Waits until the topic of the table `events` has at least this many records.
    pub(crate) async fn records_in_topic(&self, at_least: u64) -> Result<()> {
        within(PATIENCE, "records in pg.public.events", async || {
            let count = self.count_records().await?;
            ensure!(count >= at_least, "{count} records of {at_least}");
            anyhow::Ok(())
        })
        .await
    }

    /// How many records the topic of the table `events` has now.
    pub(crate) async fn count_records(&self) -> Result<u64> {
        // One line for each partition: topic:partition:offset
        let offsets = self.command(&["kafka", "GetOffsetShell", "--topic", "pg.public.events"]).await?;
        let ends = offsets.lines().filter_map(|line| line.strip_prefix("pg.public.events:")?.split_once(':'));
        Ok(ends.filter_map(|(_, end)| end.parse::<u64>().ok()).sum())
    }
}
