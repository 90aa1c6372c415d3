//! `event-management`: serves the pages of events.

use event_management::Settings;
use kit::{
    logging,
    settings::{Environment, or_exit},
    shutdown,
};
use tokio::net::TcpListener;

/// Requests make many small allocations that other threads free, which glibc's allocator does slowly, and jemalloc returns
/// memory to the system after a burst.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let settings = or_exit(Settings::read(Environment::from_process()));
    logging::init("event-management", settings.server.mode);
    let listener = TcpListener::bind(&settings.server.addr).await?;
    event_management::run(listener, settings, shutdown::on_signal()?).await
}
