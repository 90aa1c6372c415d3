//! One run: everything is measured once, parts and services in turn, so that they meet the same machine.

mod booking;
mod crowd;
mod pages;
mod parts;
mod setting;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::{
    load::{Latency, Throughput},
    plan::Plan,
    usage::Memory,
};
use setting::Setting;

pub(crate) use setting::Machinery;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// The kit's HTTP stack alone: a `POST` with a body like that of reserve.
    Nothing,
    /// The same around the bytes of the small page.
    StaticSmallPage,
    /// The same around the bytes of the large page.
    StaticLargePage,
    /// Redis alone: the script that holds a ticket.
    HoldScript,
    /// PostgreSQL alone: a ticket's row by its uuid.
    ReadByKey,
    /// PostgreSQL alone: the statement that sells a ticket.
    SaleStatement,
    /// Reserve: different tickets, different users.
    Reserve,
    /// Confirm, free, of tickets reserved before.
    Confirm,
    /// Reserve of a ticket that somebody holds, by a crowd.
    RefusalHeld,
    /// Reserve of a ticket that is sold, by a crowd.
    RefusalSold,
    /// The event page with 20 seats.
    SmallPage,
    /// The event page with 2,000 seats.
    LargePage,
    /// The small page, when the client has it.
    SmallPageNotModified,
    /// The large page, when the client has it.
    LargePageNotModified,
    /// The small page, compressed.
    SmallPageGzip,
    /// The large page, compressed.
    LargePageGzip,
}

/// What one run has found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Run {
    /// Closed loops.
    pub throughput: BTreeMap<Measure, Throughput>,
    /// Open loops.
    pub latency: BTreeMap<Measure, Latency>,
    /// The route that does nothing, at the rate and with the connections of the refusals.
    pub nothing_at_refusal_rate: Option<Latency>,
    /// Bytes of each page.
    pub page_bytes: BTreeMap<Measure, usize>,
    /// Winners of tickets that a crowd wanted.
    pub winners: u64,
    /// Reads of PostgreSQL for an event that a crowd asked for at once.
    pub cold_loads: u64,
    /// Memory of each service before the crowds came.
    pub memory: BTreeMap<&'static str, Memory>,
    /// And after.
    pub memory_after_crowds: BTreeMap<&'static str, Memory>,
    /// Share of the machine that others used meanwhile.
    pub others: f64,
    /// What could not be measured, and why.
    pub skipped: BTreeMap<Measure, &'static str>,
}

/// Measures everything once.
///
/// # Errors
/// When a measure fails. Nothing is left running or in the stores.
pub(crate) async fn run(plan: &Plan, machinery: &Machinery) -> Result<Run> {
    let setting = Setting::open(plan, machinery).await?;
    let mut run = Run::default();
    parts::measure(&setting, &mut run).await?;
    booking::measure(&setting, &mut run).await?;
    pages::measure(&setting, &mut run).await?;
    run.memory = setting.memory()?;
    crowd::measure(&setting, &mut run).await?;
    run.memory_after_crowds = setting.memory()?;
    run.others = setting.others()?;
    setting.close().await?;
    Ok(run)
}

/// Says what is being measured, for people who wait.
fn step(what: &str) {
    eprintln!("    {what}");
}
