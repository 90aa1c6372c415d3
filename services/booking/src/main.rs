//! The program of the booking service.

use std::process::ExitCode;

use booking::{RunError, Settings};
use kit::{logging, settings, settings::Environment, shutdown};
use tokio::net::TcpListener;

/// Requests make many small allocations that other threads free. glibc's allocator is slow at that, and jemalloc
/// returns memory to the system after a burst.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = settings::or_exit(Settings::read(Environment::from_process()));
    logging::init("booking", settings.server.mode);
    shutdown::exit_code(listen_and_run(settings).await)
}

async fn listen_and_run(settings: Settings) -> Result<(), RunError> {
    let shutdown = shutdown::on_signal()?;
    let listener = TcpListener::bind(&settings.server.addr).await?;
    booking::run(listener, settings, shutdown).await
}
