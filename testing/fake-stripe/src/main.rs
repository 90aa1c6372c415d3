//! `fake-stripe`: the fake as a process of its own. A payment that waits for its customer waits for ever here. A test that
//! has to decide it uses the library.

use clap::Parser;
use fake_stripe::{FakeStripe, SECRET_KEY, WEBHOOK_SECRET};
use tokio::net::TcpListener;

/// A fake of the part of Stripe's API that booking uses.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:12111")]
    listen: String,
    /// URLs that webhooks are sent to, in turn.
    #[arg(long = "webhook")]
    webhooks: Vec<String>,
    /// The secret that webhooks are signed with.
    #[arg(long, default_value = WEBHOOK_SECRET)]
    webhook_secret: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(&arguments.listen).await?;
    let stripe = FakeStripe::serve(listener, &arguments.webhook_secret);
    println!("STRIPE_API_URL={} STRIPE_SECRET_KEY={SECRET_KEY}", stripe.base_url());
    stripe.send_webhooks_to(arguments.webhooks);
    stripe.forever().await;
    Ok(())
}
