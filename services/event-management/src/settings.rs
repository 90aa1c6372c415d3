//! The settings of event management.

use std::time::Duration;

use kit::settings::{Environment, PostgresSettings, RedisSettings, ServerSettings, SettingsError};

/// The default of `SERVER_ADDR`.
const DEFAULT_ADDR: &str = ":8080";

/// The largest value of `SEAT_STREAMS_MAX`. File descriptors and memory run out before it.
const MOST_STREAMS: usize = 1_000_000;

/// The longest wait for Redis. PostgreSQL has the details by then, and a page without Redis still shows which seats are
/// sold.
pub(crate) const REDIS_TIMEOUT: Duration = Duration::from_millis(250);

/// The settings that come from the environment.
#[derive(Clone)]
pub struct Settings {
    pub server: ServerSettings,
    pub postgres: PostgresSettings,
    /// Redis with the seats' marks and the shared cache.
    pub redis: RedisSettings,
    /// `SEAT_STREAMS_MAX`: the most streams of seat changes that may be open at a time. Default 10,000.
    pub seat_streams_max: usize,
}

impl Settings {
    /// Reads all settings. The error names everything that is missing or malformed.
    pub fn read(mut env: Environment) -> Result<Self, SettingsError> {
        let server = ServerSettings::read(&mut env, DEFAULT_ADDR);
        let postgres = PostgresSettings::read(&mut env);
        let redis = RedisSettings::read(&mut env);
        let streams = env.in_range("SEAT_STREAMS_MAX", 10_000, 0..=MOST_STREAMS);
        let settings =
            (|| Some(Self { server: server?, postgres: postgres?, redis: redis?, seat_streams_max: streams? }))();
        env.finish(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_streams_is_reported_with_all_other_settings() {
        let error = Settings::read(Environment::from_pairs([("SEAT_STREAMS_MAX", "many")])).err().unwrap().to_string();
        assert!(error.contains("SEAT_STREAMS_MAX is malformed"), "{error}");
        assert!(error.contains("REDIS_ADDR is required"), "{error}");
    }
}
