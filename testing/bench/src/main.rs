//! `ticket-bench`: measures the platform and, in the same run, what it is made of.
//!
//! It works on an instance of `dev/stores` whose addresses the environment names; `dev/bench` brings one up.

mod load;
mod machine;
mod measures;
mod parts;
mod pgbench;
mod plan;
mod programs;
mod report;
mod requests;
mod shop;
mod stores;
mod usage;
mod wire;

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use kit::shutdown;
use tokio::runtime::{self, Runtime};

use crate::{machine::Machine, measures::Machinery, plan::Plan, report::Report, stores::Stores};

/// The services' allocator: the parts must not be slower or faster than the services for another reason.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Measures the platform beside what it is made of.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures, and writes the report.
    Measure(MeasureArguments),
    /// Serves what the services are made of; started by `measure`.
    #[command(hide = true)]
    Parts {
        /// Who gives the pages.
        from: SocketAddr,
        /// Where they are.
        paths: Vec<String>,
    },
}

#[derive(Args)]
struct MeasureArguments {
    /// The instance of `dev/stores` to work on.
    #[arg(long)]
    instance: String,
    /// Its command.
    #[arg(long, default_value = "dev/stores/stores")]
    stores: PathBuf,
    /// Folder of the services' programs; that of this program unless given.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Folder for the report; it is only printed unless given.
    #[arg(long)]
    report: Option<PathBuf>,
    /// What version the report is of.
    #[arg(long, default_value = "unknown")]
    version: String,
    /// One short run, to see that all works. Its figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Connections of a closed loop.
    #[arg(long)]
    connections: Option<usize>,
    /// Runs.
    #[arg(long)]
    runs: Option<usize>,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Parts { from, paths } => Runtime::new()?.block_on(parts::run(from, &paths)),
        // One thread: the generator takes no more of the machine than it must.
        Command::Measure(arguments) => {
            runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure_or_stop(arguments))
        }
    }
}

/// An interruption ends the services as well: they go with what holds them.
async fn measure_or_stop(arguments: MeasureArguments) -> Result<()> {
    let interrupted = shutdown::on_signal()?;
    tokio::select! {
        measured = measure(arguments) => measured,
        () = interrupted.cancelled() => bail!("interrupted"),
    }
}

async fn measure(arguments: MeasureArguments) -> Result<()> {
    let addresses = testbed::Stores::from_environment();
    let machinery = Machinery {
        programs: programs::folder(arguments.programs)?,
        stores: Stores { command: arguments.stores, instance: arguments.instance },
        redis: addresses.redis_addr.parse().context("TEST_REDIS_ADDR is no address")?,
    };
    let mut plan = if arguments.quick { Plan::QUICK } else { Plan::FULL };
    plan.connections = arguments.connections.unwrap_or(plan.connections);
    plan.runs = arguments.runs.unwrap_or(plan.runs);
    let machine = Machine::look(&addresses.postgres_url, machinery.redis).await?;
    ensure!(
        arguments.quick || machine.postgres_fsync == "on",
        "PostgreSQL does not wait for the disk: start the stores with POSTGRES_FSYNC=on"
    );
    let mut runs = Vec::new();
    for number in 1..=plan.runs {
        eprintln!("  run {number} of {}", plan.runs);
        runs.push(measures::run(&plan, &machinery).await?);
    }
    let report = Report { machine, version: arguments.version, plan, runs };
    println!("{}", report.markdown());
    match arguments.report {
        Some(folder) => report.write(&folder),
        None => Ok(()),
    }
}
