//! `event-management`: serves the pages of events.

use event_management::Settings;
use service_kit::settings::{Environment, or_exit};
use service_kit::{logging, shutdown};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let settings = or_exit(Settings::read(Environment::from_process()));
    logging::init("event-management", settings.server.mode);
    let listener = TcpListener::bind(&settings.server.addr).await?;
    event_management::run(listener, settings, shutdown::on_signal()?).await
}
