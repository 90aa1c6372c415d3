//! Crowds: many clients want the same ticket, or ask at once for an event that is in no cache.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use ids::TicketId;
use tokio::time::timeout;

use super::{Run, Setup, step};
use crate::{
    requests::Buyer,
    wire::{Connection, Expected, http},
};

/// A crowd that is not served within this time fails the run.
const SERVED_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

/// The counter of event management for reads of an event's details from PostgreSQL.
const LOADS: &str = r#"event_details_lookups_total{source="postgres"} "#;

pub(crate) async fn measure(setup: &Setup<'_>, run: &mut Run) -> Result<()> {
    step("a crowd for each of some tickets");
    run.winners = timeout(SERVED_WITHIN, winners(setup)).await.context("the crowd is not served")??;
    let tickets = setup.plan.tickets_in_turn as u64;
    ensure!(run.winners == tickets, "{} customers got a ticket of {tickets}", run.winners);
    step("a crowd for an event that is in no cache");
    run.cold_loads = timeout(SERVED_WITHIN, cold_loads(setup)).await.context("the crowd is not served")??;
    Ok(())
}

async fn winners(setup: &Setup<'_>) -> Result<u64> {
    let mut connections = Connection::open_many(setup.booking.addr, setup.plan.crowd).await?;
    let mut winners = 0;
    for ticket in setup.shop.in_turn.iter().rev().take(setup.plan.tickets_in_turn) {
        let statuses = try_join_all(connections.iter_mut().map(|connection| want(connection, *ticket))).await?;
        let others = statuses.iter().find(|status| ![200, 409].contains(*status));
        ensure!(others.is_none(), "a customer was answered {others:?}");
        winners += statuses.iter().filter(|status| **status == 200).count() as u64;
    }
    Ok(winners)
}

async fn want(connection: &mut Connection, ticket: TicketId) -> Result<u16> {
    let mut request = Vec::new();
    Buyer::new(ticket).reserve(&mut request);
    connection.send(&request).await?;
    Ok(http::read(connection, |_| {}).await?.status)
}

async fn cold_loads(setup: &Setup<'_>) -> Result<u64> {
    let management = setup.management.addr;
    let request = http::get(&setup.shop.cold.path, "");
    let connections = Connection::open_many(management, setup.plan.cold_clients).await?;
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
