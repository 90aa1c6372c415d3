//! One run: everything is measured once. Parts and services take turns, so that both meet the same machine.

mod booking;
mod crowd;
mod pages;
mod parts;
mod setup;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::{
    load::{Latency, Throughput},
    plan::Plan,
    usage::Memory,
};
use setup::Setup;

pub(crate) use setup::Installation;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// The kit's HTTP stack alone: a `POST` with a body like that of reserve.
    Nothing,
    /// The HTTP stack alone, with the bytes of the small page.
    StaticSmallPage,
    /// The HTTP stack alone, with the bytes of the large page.
    StaticLargePage,
    /// Redis alone: the script that holds a ticket.
    HoldScript,
    /// PostgreSQL alone: a ticket's row, read by its uuid.
    ReadByKey,
    /// PostgreSQL alone: the statement that sells a ticket.
    SaleStatement,
    /// Reserve: different tickets, different users.
    Reserve,
    /// Confirm, without a payment, of tickets that were reserved before.
    Confirm,
    /// Reserve, by a crowd, of a ticket that another user holds.
    RefusalHeld,
    /// Reserve, by a crowd, of a ticket that is sold.
    RefusalSold,
    /// The event page with 20 seats.
    SmallPage,
    /// The event page with 2,000 seats.
    LargePage,
    /// The small page, when the client has it already (304).
    SmallPageNotModified,
    /// The large page, when the client has it already (304).
    LargePageNotModified,
    /// The small page, compressed.
    SmallPageGzip,
    /// The large page, compressed.
    LargePageGzip,
}

/// The results of one run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Run {
    /// The results of closed loops.
    pub throughput: BTreeMap<Measure, Throughput>,
    /// The results of open loops.
    pub latency: BTreeMap<Measure, Latency>,
    /// The route that does nothing, at the rate of the refusals and with as many connections.
    pub nothing_at_refusal_rate: Option<Latency>,
    /// The size of each page in bytes.
    pub page_bytes: BTreeMap<Measure, usize>,
    /// Number of clients who got a ticket that a crowd wanted.
    pub winners: u64,
    /// Number of reads of PostgreSQL for an event that a crowd asked for at once.
    pub cold_loads: u64,
    /// The memory of each service before the crowds.
    pub memory: BTreeMap<&'static str, Memory>,
    /// The memory of each service after the crowds.
    pub memory_after_crowds: BTreeMap<&'static str, Memory>,
    /// The share of the machine that other processes used during the run.
    pub others: f64,
    /// The measures that could not be taken, and why.
    pub skipped: BTreeMap<Measure, &'static str>,
}

/// Measures everything once. No process and no data is left.
pub(crate) async fn run(plan: &Plan, installation: &Installation) -> Result<Run> {
    let setup = Setup::open(plan, installation).await?;
    let mut run = Run::default();
    parts::measure(&setup, &mut run).await?;
    booking::measure(&setup, &mut run).await?;
    pages::measure(&setup, &mut run).await?;
    run.memory = setup.memory()?;
    crowd::measure(&setup, &mut run).await?;
    run.memory_after_crowds = setup.memory()?;
    run.others = setup.others()?;
    setup.close().await?;
    Ok(run)
}

/// Prints what is being measured, for people who wait.
fn step(what: &str) {
    eprintln!("    {what}");
}
