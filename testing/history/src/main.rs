//! `ticket-history`: the long run. It prints numbers for people and ends with a status for scripts.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use ::history::{
    Violation, check, history,
    run::{self, Plan, Programs, Provider, Tally},
};
use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Tests that the platform keeps its promises while its parts are killed and stopped, its stores are cut off, and Redis loses
/// its data.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Record a run without payments and one with, and check both.
    Run(Long),
    /// Check a history that an earlier run kept.
    Check {
        /// The file with the history's JSON lines.
        file: PathBuf,
    },
}

#[derive(clap::Args)]
struct Long {
    /// The seed decides what customers and faults do.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of purchases to try, in both runs together.
    #[arg(long, default_value_t = 100_000)]
    purchases: u64,
    /// Number of times each fault is injected, in both runs together.
    #[arg(long, default_value_t = 10)]
    rounds: u64,
    /// Number of customers who shop at the same time.
    #[arg(long, default_value_t = 192)]
    customers: usize,
    /// Both runs together fail after this many minutes.
    #[arg(long, default_value_t = 20)]
    minutes: u64,
    /// Leave out search and the stores that only search needs.
    #[arg(long)]
    without_bystanders: bool,
    /// Do only the run with this payment provider.
    #[arg(long)]
    only: Option<Provider>,
    /// Keep the histories in this folder.
    #[arg(long)]
    keep: Option<PathBuf>,
}

/// The longest time for which a fault lasts: longer than a hold, shorter than a client's patience and than any time
/// limit of the services.
const LONGEST_FAULT: Duration = Duration::from_secs(3);
/// At least one purchase in this many must take over an expired hold, and one must meet a declined card.
const RARE: u64 = 100;
/// At most this many violations are printed. The history has the rest.
const SHOWN: usize = 20;
/// Percentage of the purchases and rounds that belong to the run without payments.
const SHARE_WITHOUT_PAYMENTS: u64 = 20;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Run(long) => tokio::select! {
            outcome = record_and_check(&long) => outcome,
            outcome = interrupted() => outcome,
        },
        Command::Check { file } => {
            let history = history::read(BufReader::new(File::open(&file)?))?;
            Ok(report(&check(&history).into_iter().collect::<Vec<_>>()))
        }
    }
}

/// An interruption ends the run. Its services and stores end too, when their owners are dropped.
async fn interrupted() -> Result<ExitCode> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminated.recv() => {}
    }
    bail!("interrupted")
}

async fn record_and_check(long: &Long) -> Result<ExitCode> {
    let (programs, begun) = (Programs::beside_this()?, Instant::now());
    let (mut tally, mut violations) = (Tally::default(), vec![]);
    let providers = [Provider::Free, Provider::Stripe];
    for provider in providers.into_iter().filter(|provider| long.only.is_none_or(|only| only == *provider)) {
        let plan = plan(long, provider, begun);
        let recorded = run::run(&plan, &programs).await.with_context(|| format!("the run with {provider:?}"))?;
        tally += recorded.tally;
        let found = check(&recorded.history);
        let kept = match &long.keep {
            Some(folder) => Some(folder.clone()),
            None if found.is_empty() => None,
            None => Some(recorded.logs.clone()),
        };
        match kept {
            Some(folder) => {
                let file = folder.join(format!("{provider:?}.jsonl").to_lowercase());
                history::write(recorded.history, BufWriter::new(File::create(&file)?))?;
                eprintln!("history: {}, logs: {}", file.display(), recorded.logs.display());
            }
            None => std::fs::remove_dir_all(&recorded.logs)?,
        }
        violations.extend(found);
    }
    println!("{tally}");
    let shortfalls = tally.shortfalls(long.purchases / RARE, long.rounds);
    shortfalls.iter().for_each(|shortfall| println!("- happened too rarely: {shortfall}"));
    let verdict = report(&violations);
    Ok(if shortfalls.is_empty() { verdict } else { ExitCode::FAILURE })
}

fn plan(long: &Long, provider: Provider, begun: Instant) -> Plan {
    let (share, bystander_rounds) = match provider {
        Provider::Free => (SHARE_WITHOUT_PAYMENTS, 0),
        Provider::Stripe => (100 - SHARE_WITHOUT_PAYMENTS, if long.without_bystanders { 0 } else { long.rounds }),
    };
    Plan {
        seed: long.seed,
        provider,
        customers: long.customers,
        min_purchases: long.purchases * share / 100,
        rounds: long.rounds * share / 100,
        time_limit: Duration::from_secs(long.minutes * 60).saturating_sub(begun.elapsed()),
        longest_fault: LONGEST_FAULT,
        bystander_rounds,
    }
}

fn report(violations: &[Violation]) -> ExitCode {
    for violation in violations.iter().take(SHOWN) {
        println!("- {violation}");
    }
    println!("{} violations", violations.len());
    if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
