//! `ticket-operator`: runs the operator, or prints what is generated from it.

use clap::{Parser, Subcommand};
use kube::CustomResourceExt;
use ticket_operator::{
    api::{Reason, TicketPlatform},
    run::{self, Settings},
};
use tracing_subscriber::EnvFilter;

/// Keeps each TicketPlatform as its resource says.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    print: Option<Print>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Print {
    /// Prints the CustomResourceDefinition.
    Crd,
    /// Prints the reasons of conditions as a Markdown table.
    Reasons,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.print {
        Some(Print::Crd) => print!("{}", serde_yaml::to_string(&TicketPlatform::crd())?),
        Some(Print::Reasons) => print!("{}", Reason::markdown()),
        None => run(arguments.settings)?,
    }
    Ok(())
}

#[tokio::main]
async fn run(settings: Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).init();
    run::run(settings, kit::shutdown::on_signal()?).await
}
