//! The settings of this service.

use service_kit::settings::{Environment, PostgresSettings, RedisSettings, ServerSettings, SettingsError};

/// Where to listen when nobody says otherwise.
const DEFAULT_ADDR: &str = ":8080";

/// Everything that the environment decides.
#[derive(Clone)]
pub struct Settings {
    /// The HTTP server.
    pub server: ServerSettings,
    /// The database with the events.
    pub postgres: PostgresSettings,
    /// The seats' marks and the shared cache.
    pub redis: RedisSettings,
}

impl Settings {
    /// Reads all settings.
    ///
    /// # Errors
    /// All that is missing or malformed, at once.
    pub fn read(mut env: Environment) -> Result<Self, SettingsError> {
        let server = ServerSettings::read(&mut env, DEFAULT_ADDR);
        let postgres = PostgresSettings::read(&mut env);
        let redis = RedisSettings::read(&mut env);
        let settings = (|| Some(Self { server: server?, postgres: postgres?, redis: redis? }))();
        env.finish(settings)
    }
}
