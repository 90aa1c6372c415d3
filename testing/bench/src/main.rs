//! `ticket-bench`: measures the platform and, in the same run, the parts that it is made of.
//!
//! It works on an instance of `dev/stores` whose addresses are in the environment. `dev/bench` starts one.

mod load;
mod machine;
mod measures;
mod parts;
mod pgbench;
mod plan;
mod programs;
mod redis_databases;
mod report;
mod requests;
mod shop;
mod usage;
mod wire;

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use kit::shutdown;
use testbed::{Instance, Stores, programs_folder};
use tokio::runtime::{self, Runtime};

use crate::{machine::Machine, measures::Installation, plan::Plan, report::Report};

/// The services' allocator. With another one, the parts would be slower or faster than the services because of it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Measures the platform and the parts that it is made of.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures, and writes the report.
    Measure(MeasureArguments),
    /// Serves the parts of the services. `measure` starts it.
    #[command(hide = true)]
    Parts {
        /// The service that the pages are read from.
        from: SocketAddr,
        /// The paths of the pages.
        paths: Vec<String>,
    },
}

#[derive(Args)]
struct MeasureArguments {
    /// The name of the instance of `dev/stores`.
    #[arg(long)]
    instance: String,
    /// Folder of the services' programs. By default the folder of this program.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Folder for the report. Without it the report is only printed.
    #[arg(long)]
    report: Option<PathBuf>,
    /// The version that is measured.
    #[arg(long, default_value = "unknown")]
    version: String,
    /// One short run, which shows that the benchmark works. Its figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Number of connections of a closed loop.
    #[arg(long)]
    connections: Option<usize>,
    /// Number of runs.
    #[arg(long)]
    runs: Option<usize>,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Parts { from, paths } => Runtime::new()?.block_on(parts::run(from, &paths)),
        // One thread, so that the generator takes little of the machine.
        Command::Measure(arguments) => {
            runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure_or_stop(arguments))
        }
    }
}

/// An interruption also ends the services, because dropping the measurement drops them.
async fn measure_or_stop(arguments: MeasureArguments) -> Result<()> {
    let interrupted = shutdown::on_signal()?;
    tokio::select! {
        measured = measure(arguments) => measured,
        () = interrupted.cancelled() => bail!("interrupted"),
    }
}

async fn measure(arguments: MeasureArguments) -> Result<()> {
    let addresses = Stores::from_environment();
    let installation = Installation {
        programs: arguments.programs.map_or_else(programs_folder, Ok)?,
        instance: Instance::named(&arguments.instance)?,
        redis: addresses.redis_addr.parse().context("TEST_REDIS_ADDR is no address")?,
    };
    let mut plan = if arguments.quick { Plan::QUICK } else { Plan::FULL };
    plan.connections = arguments.connections.unwrap_or(plan.connections);
    plan.runs = arguments.runs.unwrap_or(plan.runs);
    let machine = Machine::read(&addresses.postgres_url, installation.redis).await?;
    ensure!(
        arguments.quick || machine.postgres_fsync == "on",
        "PostgreSQL does not wait for the disk: start the stores with POSTGRES_FSYNC=on"
    );
    let mut runs = Vec::new();
    for number in 1..=plan.runs {
        eprintln!("  run {number} of {}", plan.runs);
        runs.push(measures::run(&plan, &installation).await?);
    }
    let report = Report { machine, version: arguments.version, plan, runs };
    println!("{}", report.markdown());
    match arguments.report {
        Some(folder) => report.write(&folder),
        None => Ok(()),
    }
}
