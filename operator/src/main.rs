//! `ticket-operator`: runs the operator, or prints what is generated from it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kit::shutdown;
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

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Some(print) = arguments.print else { return run(arguments.settings) };
    match printed(print) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("ticket-operator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn printed(print: Print) -> Result<String, serde_yaml::Error> {
    match print {
        Print::Crd => serde_yaml::to_string(&TicketPlatform::crd()),
        Print::Reasons => Ok(Reason::markdown()),
    }
}

#[tokio::main]
async fn run(settings: Settings) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().with_env_filter(filter).init();
    shutdown::exit_code(run_until_signal(settings).await)
}

async fn run_until_signal(settings: Settings) -> Result<(), RunError> {
    ticket_operator::run(settings, shutdown::on_signal()?).await
}
