//! `buy-ticket`: buys one ticket through the published ports, and prints what was bought.

use clap::Parser;
use client::{Customer, Shop, buy};

/// Buys one ticket from a running platform.
#[derive(Parser)]
struct Arguments {
    /// The words to search for. The first event that is found is the one.
    #[arg(default_value = "")]
    q: String,
    /// Base URL of event management.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    event_management: String,
    /// Base URL of booking.
    #[arg(long, default_value = "http://127.0.0.1:8081")]
    booking: String,
    /// Base URL of search.
    #[arg(long, default_value = "http://127.0.0.1:8082")]
    search: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { q, event_management, booking, search } = Arguments::parse();
    let customer = Customer::new(&Shop { event_management, booking, search })?;
    let purchase = buy(&customer, &q).await?;
    println!(
        "bought seat {} for {} in {} at {}.{:02}",
        purchase.seat,
        purchase.event,
        purchase.location,
        purchase.price / 100,
        purchase.price % 100
    );
    println!("ticket {} of event {}", purchase.ticket_uuid, purchase.event_uuid);
    Ok(())
}
