//! `ticket-migrate`: applies, lists and describes the migrations of a release.

mod report;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};
use kit::settings::{Environment, PostgresSettings, SettingsError};
use sqlx::{Connection, PgConnection};
use ticket_migrate::{
    DEFAULT_LOCK_TIMEOUT, Failure, FailureClass, Interrupted, Kind, LoadError, Migrations, Outcome, Release,
    ReleasePaths,
};

use crate::report::Report;

/// Connecting takes milliseconds; beyond this the database is as good as down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const EXIT_FAILED: u8 = 1;
const EXIT_BAD_SETTINGS: u8 = 2;
const EXIT_UNAVAILABLE: u8 = 3;

/// Applies the database migrations of a release of the ticket platform. The database is named by the POSTGRES_* variables.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The release's folder, with migrations/, index.json and feed.json.
    #[arg(long, global = true, default_value = "/release")]
    release: PathBuf,
    /// The folder with before/ and after/, when it stands elsewhere (in a checkout).
    #[arg(long, global = true)]
    migrations: Option<PathBuf>,
    /// The index definition, when it stands elsewhere.
    #[arg(long, global = true)]
    index: Option<PathBuf>,
    /// The change feed's tables, when they stand elsewhere.
    #[arg(long, global = true)]
    feed: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Applies what is missing and prints the result as JSON.
    Up {
        /// Which files: those that must run before the services roll, those that must run after it, or all.
        #[arg(long, value_enum, default_value = "all")]
        kind: Kind,
    },
    /// Lists what is applied, what is not, and what another release applied.
    Status {
        /// A table for people or JSON for programs.
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
    },
    /// Prints what belongs to this release as JSON; needs no database.
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

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Release(#[from] LoadError),
    #[error("{}", .0.message)]
    Database(Failure),
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    #[error("stopped by a signal")]
    Signal,
}

impl CommandError {
    fn failure(&self) -> Failure {
        match self {
            Self::Database(failure) | Self::Interrupted(Interrupted { failure, .. }) => failure.clone(),
            Self::Signal => Failure::new(FailureClass::Unavailable, self.to_string()),
            Self::Settings(_) | Self::Release(_) => Failure::new(FailureClass::Failed, self.to_string()),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_) | Self::Release(_) => EXIT_BAD_SETTINGS,
            _ if self.failure().class == FailureClass::Unavailable => EXIT_UNAVAILABLE,
            _ => EXIT_FAILED,
        }
    }
}

/// What the environment says.
struct Settings {
    postgres: PostgresSettings,
    lock_timeout: Duration,
}

impl Settings {
    fn read() -> Result<Self, SettingsError> {
        let mut env = Environment::from_process();
        let postgres = PostgresSettings::read(&mut env);
        let lock_timeout = env.seconds("MIGRATE_LOCK_TIMEOUT", DEFAULT_LOCK_TIMEOUT.as_secs(), 1..=3600);
        let settings = postgres.zip(lock_timeout).map(|(postgres, lock_timeout)| Self { postgres, lock_timeout });
        env.finish(settings)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<ExitCode> {
    let arguments = Arguments::parse();
    // Standard output belongs to the result.
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    // As process 1 of a container SIGTERM would be ignored if nobody listened for it.
    let stop = kit::shutdown::on_signal()?;
    let result = tokio::select! {
        result = run(&arguments) => result,
        () = stop.cancelled() => Err(CommandError::Signal),
    };
    Ok(match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    })
}

async fn run(arguments: &Arguments) -> Result<(), CommandError> {
    match arguments.command {
        Command::Up { kind } => up(arguments, kind).await,
        Command::Status { output } => status(arguments, output).await,
        Command::Describe => Ok(describe(arguments)?),
    }
}

async fn up(arguments: &Arguments, kind: Kind) -> Result<(), CommandError> {
    let mut report = Report::default();
    let result = apply(arguments, kind, &mut report).await;
    report.error = result.as_ref().err().map(CommandError::failure);
    println!("{}", report.json());
    let path = std::env::var_os("TERMINATION_LOG").unwrap_or_else(|| "/dev/termination-log".into());
    report.write_termination_message(path.as_ref());
    result
}

/// Fills the report as far as it gets.
async fn apply(arguments: &Arguments, kind: Kind, report: &mut Report) -> Result<(), CommandError> {
    let (migrations, release) = read_release(arguments)?;
    report.release = Some(release);
    report.outcome.pending = migrations.files().iter().map(ticket_migrate::MigrationFile::version).collect();
    let settings = Settings::read()?;
    let mut conn = connect(&settings).await?;
    let outcome = migrations.up_within(&mut conn, kind, settings.lock_timeout).await;
    report.outcome = match &outcome {
        Ok(outcome) | Err(Interrupted { outcome, .. }) => Outcome::clone(outcome),
    };
    outcome?;
    Ok(())
}

async fn status(arguments: &Arguments, output: Output) -> Result<(), CommandError> {
    let migrations = Migrations::load(&arguments.paths().migrations)?;
    let mut conn = connect(&Settings::read()?).await?;
    let status = migrations.status(&mut conn).await.map_err(CommandError::Database)?;
    match output {
        Output::Table => println!("{status}"),
        Output::Json => print_json(&status),
    }
    Ok(())
}

fn describe(arguments: &Arguments) -> Result<(), LoadError> {
    print_json(&read_release(arguments)?.1);
    Ok(())
}

fn print_json(value: &impl serde::Serialize) {
    println!("{}", serde_json::to_string(value).unwrap_or_else(|error| error.to_string()));
}

fn read_release(arguments: &Arguments) -> Result<(Migrations, Release), LoadError> {
    let paths = arguments.paths();
    let migrations = Migrations::load(&paths.migrations)?;
    // The image says its version; a binary built by hand knows its own.
    let version = std::env::var("RELEASE_VERSION").unwrap_or_else(|_| env!("CARGO_PKG_VERSION").to_owned());
    let release = Release::describe(&version, &migrations, &paths)?;
    Ok((migrations, release))
}

async fn connect(settings: &Settings) -> Result<PgConnection, CommandError> {
    let options = kit::postgres::connect_options(&settings.postgres);
    let (host, port) = (options.get_host().to_owned(), options.get_port());
    let failure = |failure: Failure| {
        let message = format!("cannot connect to PostgreSQL at {host}:{port}: {}", failure.message);
        CommandError::Database(Failure { class: FailureClass::Unavailable, message, ..failure })
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await {
        Ok(Ok(conn)) => Ok(conn),
        Ok(Err(error)) => Err(failure(Failure::of(&error))),
        Err(_) => Err(failure(Failure::new(FailureClass::Unavailable, "no answer in time"))),
    }
}
