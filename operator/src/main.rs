//! `ticket-operator`: runs the operator, or prints what is generated from it.

use clap::{Parser, Subcommand};
use kube::CustomResourceExt;
use ticket_operator::{
    RunError, Settings,
    api::{Reason, TicketPlatform},
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

fn main() -> Result<(), RunError> {
    let arguments = Arguments::parse();
    match arguments.print {
        Some(Print::Crd) => print!("{}", serde_yaml::to_string(&TicketPlatform::crd())?),
        Some(Print::Reasons) => print!("{}", Reason::markdown()),
        None => run(arguments.settings)?,
    }
    Ok(())
}

#[tokio::main]
async fn run(settings: Settings) -> Result<(), RunError> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).init();
    ticket_operator::run(settings, kit::shutdown::on_signal()?).await
}
