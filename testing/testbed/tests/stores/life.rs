//! How the stores start, die and end.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use testbed::{Instance, Store, within};
use tokio::process::Command;

use crate::support::TestInstance;

/// The kernel takes a namespace down a moment after its first process.
const GONE_WITHIN: Duration = Duration::from_secs(10);

pub(crate) async fn a_second_up_starts_nothing(instance: &TestInstance) -> Result<()> {
    let printed = instance.command(&["up"]).await?;
    ensure!(printed.contains("none, all were up"), "{printed}");
    Ok(())
}

pub(crate) async fn two_ups_at_once_start_each_store_once(instance: &TestInstance) -> Result<()> {
    instance.own.down(&[Store::Redis]).await?;
    let other: &Instance = &instance.own;
    let (one, two) = tokio::try_join!(instance.own.up(&[Store::Redis]), other.up(&[Store::Redis]))?;
    ensure!([one, two].concat() == [Store::Redis], "it was started by both, or by neither");
    Ok(())
}

pub(crate) async fn a_killed_postgres_comes_back_with_its_data(instance: &TestInstance) -> Result<()> {
    a_killed_store_comes_back_with_its_data(instance, Store::Postgres).await
}

pub(crate) async fn a_killed_redis_comes_back_with_its_data(instance: &TestInstance) -> Result<()> {
    a_killed_store_comes_back_with_its_data(instance, Store::Redis).await
}

pub(crate) async fn a_killed_elasticsearch_comes_back_with_its_data(instance: &TestInstance) -> Result<()> {
    a_killed_store_comes_back_with_its_data(instance, Store::Elasticsearch).await
}

pub(crate) async fn a_killed_kafka_comes_back_with_its_data(instance: &TestInstance) -> Result<()> {
    a_killed_store_comes_back_with_its_data(instance, Store::Kafka).await
}

pub(crate) async fn a_killed_connect_comes_back_with_its_data(instance: &TestInstance) -> Result<()> {
    a_killed_store_comes_back_with_its_data(instance, Store::Connect).await
}

async fn a_killed_store_comes_back_with_its_data(instance: &TestInstance, store: Store) -> Result<()> {
    let pid = instance.command(&["pid", store.name()]).await?;
    kill("KILL", pid.trim()).await?;
    is_gone(instance, store).await?;
    instance.command(&["up", store.name()]).await?;
    let name = instance.command(&["psql", "-Atc", "SELECT name FROM events WHERE id = 1"]).await?;
    ensure!(name == "first\n", "the row is {name:?}");
    let records = instance.count_records().await?;
    ensure!(records >= 1, "the topic has no record");
    instance.client.get(format!("{}/kept", instance.stores.elasticsearch_url)).send().await?.error_for_status()?;
    Ok(())
}

pub(crate) async fn a_paused_store_ends_when_it_is_asked_to(instance: &TestInstance) -> Result<()> {
    instance.own.pause(Store::Redis)?;
    let printed = instance.command(&["down", "redis"]).await?;
    ensure!(!printed.contains("did not end by itself"), "{printed}");
    ensure!(instance.is_down(Store::Redis)?, "it runs");
    instance.command(&["up", "redis"]).await.map(drop)
}

pub(crate) async fn a_store_whose_holder_was_killed_is_cleared_up_by_the_next_up(
    instance: &TestInstance,
) -> Result<()> {
    let left_behind = instance.own.pid(Store::Redis)?;
    kill("KILL", &parent(left_behind)?).await?;
    let is_left = async || instance.own.status().is_ok_and(|status| status.contains("left behind"));
    within(GONE_WITHIN, "the status says that redis was left behind", is_left).await?;
    ensure!(exists(left_behind), "the kernel ended it together with its holder");
    instance.command(&["up", "redis"]).await?;
    ensure!(!exists(left_behind), "two servers work on the same data");
    ensure!(instance.own.addresses()?.redis_addr == instance.stores.redis_addr, "its address has changed");
    Ok(())
}

async fn is_gone(instance: &TestInstance, store: Store) -> Result<()> {
    within(GONE_WITHIN, &format!("{store} is down"), async || instance.is_down(store).unwrap_or(false)).await
}

async fn kill(signal: &str, pid: &str) -> Result<()> {
    let killed = Command::new("kill").arg(format!("-{signal}")).arg(pid).status().await?;
    ensure!(killed.success(), "kill -{signal} {pid}");
    Ok(())
}

fn parent(pid: u32) -> Result<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    Ok(parent.context("it has a parent")?.trim().to_owned())
}

/// A zombie does not: it only waits for its parent to notice.
fn exists(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/status"));
    state.is_ok_and(|status| !status.contains("\nState:\tZ"))
}
