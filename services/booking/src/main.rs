//! The booking service: wiring only.

use booking::Settings;
use service_kit::{logging, settings, settings::Environment, shutdown};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = settings::or_exit(Settings::read(Environment::from_process()));
    logging::init("booking", settings.server.mode);
    let shutdown = shutdown::on_signal()?;
    let listener = TcpListener::bind(&settings.server.addr).await?;
    Ok(booking::run(listener, settings, shutdown).await?)
}
