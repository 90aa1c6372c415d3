//! What crowds do: many want the same ticket, many ask for an event that nobody has asked for.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use tokio::time::timeout;
use uuid::Uuid;

use super::{Run, Setting, step};
use crate::{
    requests::Wish,
    wire::{Connection, Expected, http},
};

/// A crowd that is not served within this time fails the run.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Where event management says how often it read an event's details from PostgreSQL.
const LOADS: &str = r#"event_details_lookups_total{source="postgres"} "#;

pub(crate) async fn measure(setting: &Setting<'_>, run: &mut Run) -> Result<()> {
    step("a crowd for each of some tickets");
    run.winners = timeout(PATIENCE, winners(setting)).await.context("the crowd is not served")??;
    let tickets = setting.plan.tickets_in_turn as u64;
    ensure!(run.winners == tickets, "{} customers got a ticket of {tickets}", run.winners);
    step("a crowd for an event that nobody has asked for");
    run.cold_loads = timeout(PATIENCE, cold_loads(setting)).await.context("the crowd is not served")??;
    Ok(())
}

async fn winners(setting: &Setting<'_>) -> Result<u64> {
    let mut connections = Connection::open_many(setting.booking.addr, setting.plan.crowd).await?;
    let mut winners = 0;
    for ticket in setting.shop.in_turn.iter().rev().take(setting.plan.tickets_in_turn) {
        let statuses = try_join_all(connections.iter_mut().map(|connection| want(connection, *ticket))).await?;
        let others = statuses.iter().find(|status| ![200, 409].contains(*status));
        ensure!(others.is_none(), "a customer was answered {others:?}");
        winners += statuses.iter().filter(|status| **status == 200).count() as u64;
    }
    Ok(winners)
}

async fn want(connection: &mut Connection, ticket: Uuid) -> Result<u16> {
    let mut request = Vec::new();
    Wish::of_somebody(ticket).reserve(&mut request);
    connection.send(&request).await?;
    Ok(http::read(connection, |_| {}).await?.status)
}

async fn cold_loads(setting: &Setting<'_>) -> Result<u64> {
    let management = setting.management.addr;
    let request = http::get(&setting.shop.cold.path, "");
    let connections = Connection::open_many(management, setting.plan.cold_clients).await?;
    let before = loads(management).await?;
    try_join_all(connections.into_iter().map(async |mut connection| {
        connection.send(&request).await?;
        Expected::Status(200).read(&mut connection).await
    }))
    .await?;
    Ok(loads(management).await? - before)
}

async fn loads(management: SocketAddr) -> Result<u64> {
    let metrics = http::fetch(management, &http::get("/metrics", "")).await?;
    let text = String::from_utf8(metrics.body)?;
    let count =
        text.lines().find_map(|line| line.strip_prefix(LOADS)).context("event management does not count loads")?;
    Ok(count.parse()?)
}
