//! Settings from the environment. All that are missing or malformed are reported at once, by name.

mod environment;
mod postgres;
mod redis;
mod server;

use release::JobExit;

pub use environment::{Environment, SettingsError};
pub use postgres::PostgresSettings;
pub use redis::RedisSettings;
pub use server::{Mode, ServerSettings};

/// The settings, or the end of the process with status 2 and every problem on standard error.
pub fn or_exit<S>(settings: Result<S, SettingsError>) -> S {
    settings.unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(JobExit::BadSettings.code().into())
    })
}
