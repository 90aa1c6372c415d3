//! The program `search`: `serve` (the default) and `prepare-index`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kit::{
    logging,
    settings::{Environment, Mode, or_exit},
    shutdown,
};
use search::{
    feed::FeedMetrics,
    index::Index,
    prepare::prepare,
    report,
    rows::Rows,
    settings::{PrepareSettings, ServeSettings},
};
use tokio::net::TcpListener;

/// Finds upcoming events, and keeps the index of them equal to the database.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Subcommand)]
enum Command {
    /// Answer queries and follow the change feed.
    Serve,
    /// Create and fill the index of this release.
    PrepareIndex,
}

/// Requests make many small allocations that other threads free, which glibc's allocator does slowly, and jemalloc returns
/// memory to the system after a burst.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve().await,
        Command::PrepareIndex => prepare_index().await,
    }
}

async fn serve() -> ExitCode {
    let mut env = Environment::from_process();
    let settings = ServeSettings::read(&mut env);
    let settings = or_exit(env.finish(settings));
    logging::init("search", settings.server.mode);
    match listen_and_run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "search ends");
            ExitCode::FAILURE
        }
    }
}

async fn listen_and_run(settings: ServeSettings) -> Result<(), search::StartError> {
    let shutdown = shutdown::on_signal()?;
    let listener = TcpListener::bind(&settings.server.addr).await?;
    search::run(listener, settings, shutdown).await
}

async fn prepare_index() -> ExitCode {
    let mut env = Environment::from_process();
    let settings = PrepareSettings::read(&mut env);
    let termination_log = env.or("TERMINATION_LOG", report::TERMINATION_LOG.to_owned());
    let settings = settings.zip(termination_log);
    let (PrepareSettings { postgres, kafka, index: settings }, termination_log) = or_exit(env.finish(settings));
    logging::init("search prepare-index", Mode::Release);
    let rows = Rows::new(kit::postgres::Pool::new(&postgres));
    let prepared = async {
        let index = Index::new(&settings.elasticsearch, settings.name)?;
        prepare(&rows, &index, &settings.definition, &kafka, FeedMetrics::uncollected()?).await
    };
    report::finish(prepared.await, termination_log.as_ref())
}
