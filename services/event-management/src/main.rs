//! `event-management`: serves the pages of events.

use std::process::ExitCode;

use event_management::{RunError, Settings};
use kit::{
    logging,
    settings::{Environment, or_exit},
    shutdown,
};
use tokio::net::TcpListener;

/// Requests make many small allocations that other threads free, which is slow in glibc's allocator. jemalloc is
/// faster, and returns memory to the system after a burst.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = or_exit(Settings::read(Environment::from_process()));
    logging::init("event-management", settings.server.mode);
    shutdown::exit_code(listen_and_run(settings).await)
}

async fn listen_and_run(settings: Settings) -> Result<(), RunError> {
    let shutdown = shutdown::on_signal()?;
    let listener = TcpListener::bind(&settings.server.addr).await?;
    event_management::run(listener, settings, shutdown).await
}
