//! The commands of `ticket-migrate`.

use std::time::Duration;

use kit::settings::{Environment, SettingsError};
use release::{JobError, JobExit, MigrationReport, Release, termination_log, write_termination_message};
use sqlx::{Connection, PgConnection};
use ticket_migrate::{Kind, LoadError, MigrationError, MigrationFile, Migrations, UpError, describe};

use crate::{Arguments, Command, Output, settings::Settings};

/// A connection takes milliseconds. A database that needs longer than this counts as down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Release(#[from] LoadError),
    #[error("{}", .0.details.message)]
    Database(MigrationError),
    #[error(transparent)]
    Up(#[from] UpError),
    #[error("stopped by a signal")]
    Signal,
}

impl RunError {
    pub(crate) fn exit(&self) -> JobExit {
        match self {
            Self::Settings(_) | Self::Release(_) => JobExit::BadSettings,
            Self::Database(error) | Self::Up(UpError { error, .. }) => error.exit,
            Self::Signal => JobExit::Unreachable,
        }
    }

    fn details(&self) -> JobError {
        match self {
            Self::Database(error) | Self::Up(UpError { error, .. }) => error.details.clone(),
            Self::Settings(_) | Self::Release(_) | Self::Signal => JobError::new(self.to_string()),
        }
    }
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), RunError> {
    match arguments.command {
        Command::Up { kind } => up(arguments, kind).await,
        Command::Status { output } => status(arguments, output).await,
        Command::Describe => {
            print_json(&read_release(arguments)?.1);
            Ok(())
        }
    }
}

async fn up(arguments: &Arguments, kind: Kind) -> Result<(), RunError> {
    let mut report = MigrationReport::default();
    let result = apply(arguments, kind, &mut report).await;
    report.error = result.as_ref().err().map(RunError::details);
    print_json(&report);
    let log = termination_log();
    if let Err(error) = write_termination_message(&log, &report) {
        tracing::warn!(path = %log.display(), %error, "cannot write the termination message");
    }
    result
}

/// Applies the missing files. The report is filled step by step, so that it also says how far a failed run came.
async fn apply(arguments: &Arguments, kind: Kind, report: &mut MigrationReport) -> Result<(), RunError> {
    let (migrations, release) = read_release(arguments)?;
    report.release = Some(release);
    report.pending = migrations.files().iter().map(MigrationFile::version).collect();
    let settings = Settings::read(Environment::from_process())?;
    let mut conn = connect(&settings).await?;
    let result = migrations.up_within(&mut conn, kind, settings.lock_timeout).await;
    let (Ok(outcome) | Err(UpError { outcome, .. })) = &result;
    (report.applied, report.pending) = (outcome.applied.clone(), outcome.pending.clone());
    result?;
    Ok(())
}

async fn status(arguments: &Arguments, output: Output) -> Result<(), RunError> {
    let migrations = Migrations::load(&arguments.paths().migrations)?;
    let mut conn = connect(&Settings::read(Environment::from_process())?).await?;
    let status = migrations.status(&mut conn).await.map_err(RunError::Database)?;
    match output {
        Output::Table => println!("{status}"),
        Output::Json => print_json(&status),
    }
    Ok(())
}

fn print_json(value: &impl serde::Serialize) {
    println!("{}", serde_json::to_string(value).unwrap_or_else(|error| error.to_string()));
}

fn read_release(arguments: &Arguments) -> Result<(Migrations, Release), LoadError> {
    let paths = arguments.paths();
    let migrations = Migrations::load(&paths.migrations)?;
    // The image names its version; a program built by hand falls back to the version of its crate.
    let version = std::env::var("RELEASE_VERSION").unwrap_or_else(|_| env!("CARGO_PKG_VERSION").to_owned());
    let release = describe(&version, &migrations, &paths)?;
    Ok((migrations, release))
}

async fn connect(settings: &Settings) -> Result<PgConnection, RunError> {
    let options = kit::postgres::connect_options(&settings.postgres);
    let (host, port) = (options.get_host().to_owned(), options.get_port());
    let failed = |details: JobError| {
        let message = format!("cannot connect to PostgreSQL at {host}:{port}: {}", details.message);
        // Whatever the server says here, a wrong password too, may be different once the database is set up.
        RunError::Database(MigrationError { exit: JobExit::Unreachable, details: JobError { message, ..details } })
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await {
        Ok(Ok(conn)) => Ok(conn),
        Ok(Err(error)) => Err(failed(MigrationError::of(&error).details)),
        Err(_) => Err(failed(JobError::new("no answer in time"))),
    }
}
