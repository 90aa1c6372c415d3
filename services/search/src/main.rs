//! The program `search`: `serve` (the default) and `prepare-index`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kit::{
    logging,
    postgres::Pool,
    settings::{Environment, Mode, or_exit},
    shutdown,
};
use search::{PrepareSettings, Rows, RunError, ServeSettings};
use tokio::net::TcpListener;

/// Finds upcoming events, and keeps the index of events equal to the database.
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

/// Requests make many small allocations that other threads free, which glibc's allocator does slowly. jemalloc also
/// returns memory to the system after a burst.
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
    let settings = or_exit(ServeSettings::read(Environment::from_process()));
    logging::init("search", settings.server.mode);
    shutdown::exit_code(listen_and_run(settings).await)
}

async fn listen_and_run(settings: ServeSettings) -> Result<(), RunError> {
    let shutdown = shutdown::on_signal()?;
    let listener = TcpListener::bind(&settings.server.addr).await?;
    search::run(listener, settings, shutdown).await
}

async fn prepare_index() -> ExitCode {
    let settings = or_exit(PrepareSettings::read(Environment::from_process()));
    logging::init("search prepare-index", Mode::Release);
    let rows = Rows::new(Pool::new(&settings.postgres));
    let prepared = search::prepare_index(&rows, &settings.index, &settings.kafka).await;
    search::report(prepared, &release::termination_log())
}
