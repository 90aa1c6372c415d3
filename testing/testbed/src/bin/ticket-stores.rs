//! `ticket-stores`: the five stores as plain processes on loopback, for tests and for one service run by hand.
//!
//! `dev/stores/stores` builds and runs it.

use std::{ffi::OsString, os::unix::process::CommandExt, path::PathBuf, process::ExitCode, time::Instant};

use anyhow::Result;
use clap::{Parser, Subcommand};
use testbed::{Instance, Store};

/// The five stores as plain processes on loopback, without a container engine.
#[derive(Parser)]
#[command(name = "stores")]
struct Arguments {
    /// The instance. `dev` has the usual ports where they are free; others run beside it.
    #[arg(long, default_value = "dev")]
    name: String,
    #[arg(long, hide = true)]
    repository: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Get all files into the cache (once; `up` does it too).
    Fetch,
    /// Start stores, all unless named, and wait until they are ready.
    Up { stores: Vec<Store> },
    /// Stop stores, all unless named. The data stays.
    Down { stores: Vec<Store> },
    /// Show address, process and memory of each store.
    Status,
    /// Print settings for tests and services: eval "$(dev/stores/stores env)".
    Env,
    /// Print the number of a store's process, for tests that kill it.
    Pid { store: Store },
    /// Run psql as the superuser, database tickets.
    #[command(disable_help_flag = true)]
    Psql(Rest),
    /// Run pgbench as the superuser.
    #[command(disable_help_flag = true)]
    Pgbench(Rest),
    /// Run a tool of Kafka: TopicCommand --list, consumer.ConsoleConsumer --topic T, …
    #[command(disable_help_flag = true)]
    Kafka {
        tool: String,
        #[command(flatten)]
        rest: Rest,
    },
    /// Stop all stores and drop their data.
    Wipe,
}

/// Arguments of another program.
#[derive(clap::Args)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { name, repository, command }: Arguments) -> Result<()> {
    let instance = Instance::of_repository(&name, repository)?;
    match command {
        Command::Fetch => println!("{}", instance.fetch().await?.display()),
        Command::Up { stores } => up(&instance, &all_unless_named(stores)).await?,
        Command::Down { stores } => instance.down(&all_unless_named(stores)).await?,
        Command::Status => print!("{}", instance.status()?),
        Command::Env => print!("{}", instance.shell_settings()?),
        Command::Pid { store } => println!("{}", instance.pid(store)?),
        Command::Psql(rest) => become_program(instance.postgres_program("psql").await?.args(["-d", "tickets"]), rest)?,
        Command::Pgbench(rest) => become_program(&mut instance.postgres_program("pgbench").await?, rest)?,
        Command::Kafka { tool, rest } => become_program(&mut instance.kafka_tool(&tool).await?, rest)?,
        Command::Wipe => {
            instance.wipe().await?;
            eprintln!("stores of {name} are gone with their data");
        }
    }
    Ok(())
}

fn all_unless_named(stores: Vec<Store>) -> Vec<Store> {
    if stores.is_empty() { Store::ALL.to_vec() } else { stores }
}

async fn up(instance: &Instance, stores: &[Store]) -> Result<()> {
    let begun = Instant::now();
    let started: Vec<&str> = instance.up(stores).await?.into_iter().map(Store::name).collect();
    let started = if started.is_empty() { "none, all were up".to_owned() } else { started.join(" ") };
    eprintln!("stores of {} ready (started: {started}) in {} s", instance.name, begun.elapsed().as_secs());
    Ok(())
}

/// Replaces this process, so that the program has the terminal and the caller its exit code.
fn become_program(command: &mut tokio::process::Command, Rest { arguments }: Rest) -> Result<()> {
    Err(command.args(arguments).as_std_mut().exec().into())
}
