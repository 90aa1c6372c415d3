//! Settings from the environment.

use std::time::Duration;

use kit::settings::{Environment, PostgresSettings, SettingsError};
use ticket_migrate::DEFAULT_LOCK_TIMEOUT;

pub(crate) struct Settings {
    pub postgres: PostgresSettings,
    /// `MIGRATE_LOCK_TIMEOUT`: the longest that a file waits for a lock, in whole seconds.
    pub lock_timeout: Duration,
}

impl Settings {
    pub(crate) fn read(mut env: Environment) -> Result<Self, SettingsError> {
        let postgres = PostgresSettings::read(&mut env);
        let lock_timeout = env.seconds("MIGRATE_LOCK_TIMEOUT", DEFAULT_LOCK_TIMEOUT.as_secs(), 1..=3600);
        let settings = postgres.zip(lock_timeout).map(|(postgres, lock_timeout)| Self { postgres, lock_timeout });
        env.finish(settings)
    }
}
