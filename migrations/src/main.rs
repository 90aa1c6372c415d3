//! `ticket-migrate`: applies, lists and describes the migrations of a release.

mod commands;
mod settings;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};
use ticket_migrate::{Kind, ReleasePaths};

use crate::commands::{RunError, run};

/// Applies the database migrations of a release of the ticket platform. The POSTGRES_* variables name the database.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The release's folder, with migrations/, index.json and feed.json.
    #[arg(long, global = true, default_value = "/release")]
    release: PathBuf,
    /// The folder with before/ and after/, when it stands elsewhere (as in a checkout).
    #[arg(long, global = true)]
    migrations: Option<PathBuf>,
    /// The index definition, when it stands elsewhere.
    #[arg(long, global = true)]
    index: Option<PathBuf>,
    /// The tables of the change feed, when they stand elsewhere.
    #[arg(long, global = true)]
    feed: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Applies the missing files and prints a report as JSON.
    Up {
        /// The files to apply: those for before the services roll, those for after the roll, or all.
        #[arg(long, value_enum, default_value = "all")]
        kind: Kind,
    },
    /// Lists the files that are applied, those that are not, and those that another release applied.
    Status {
        /// A table for people or JSON for programs.
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
    },
    /// Prints the description of this release as JSON. Needs no database.
    Describe,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Table,
    Json,
}

impl Arguments {
    fn paths(&self) -> ReleasePaths {
        let release = ReleasePaths::in_folder(&self.release);
        ReleasePaths {
            migrations: self.migrations.clone().unwrap_or(release.migrations),
            index: self.index.clone().unwrap_or(release.index),
            feed: self.feed.clone().unwrap_or(release.feed),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<ExitCode> {
    let arguments = Arguments::parse();
    // Standard output is for the report alone.
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    // The kernel ignores SIGTERM for process 1 of a container unless the process handles it.
    let stop = kit::shutdown::on_signal()?;
    let result = tokio::select! {
        result = run(&arguments) => result,
        () = stop.cancelled() => Err(RunError::Signal),
    };
    Ok(match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            error.exit().into()
        }
    })
}
