//! JSON logs on standard output, one object per line.

use tracing_subscriber::EnvFilter;

use crate::settings::Mode;

/// Starts logging. The mode chooses the level unless `RUST_LOG` does. A second call does nothing.
pub fn init(service: &'static str, mode: Mode) {
    let default = match mode {
        Mode::Debug => "debug,hyper=info,sqlx=info,h2=info,rustls=info",
        Mode::Release => "info",
        Mode::Test => "warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
    if started.is_ok() {
        tracing::info!(service, version = env!("CARGO_PKG_VERSION"), "starting");
    }
}
