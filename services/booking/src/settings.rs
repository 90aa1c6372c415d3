//! Settings of the booking service.

use std::time::Duration;

use service_kit::settings::{Environment, PostgresSettings, RedisSettings, ServerSettings, SettingsError};

use crate::payments::Payments;

/// A hold's length in seconds unless `HOLD_SECONDS` says otherwise: the contract's 15 minutes.
const HOLD_SECONDS: u64 = 900;
/// A seat that somebody holds longer than a day is not for sale.
const MAX_HOLD_SECONDS: u64 = 86_400;

/// Everything that can be set.
#[derive(Clone)]
pub struct Settings {
    /// The HTTP server.
    pub server: ServerSettings,
    /// The database that judges sales.
    pub postgres: PostgresSettings,
    /// Where holds live.
    pub redis: RedisSettings,
    /// `HOLD_SECONDS`: how long a reserved ticket is kept for its customer.
    pub hold: Duration,
    /// `PAYMENT_PROVIDER`: who takes the money.
    pub payments: Payments,
    /// When and how often sales that were left behind are looked for.
    pub sweep: SweepSettings,
}

/// Settings of the sweeper. Not for the environment: no value but these has a use outside of tests.
#[derive(Debug, Clone, Copy)]
pub struct SweepSettings {
    /// The pause between two looks. A look that finds nothing is one small call to Redis.
    pub every: Duration,
    /// A sale that has not ended after this long counts as left behind. Longer than the longest sale takes by its own
    /// limits (waiting for a connection and for the transaction), or the sweeper would give up sales that are well.
    pub after: Duration,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(1), after: Duration::from_secs(15) }
    }
}

impl Settings {
    /// Reads all settings.
    ///
    /// # Errors
    /// All that is missing or malformed, by name.
    pub fn read(mut env: Environment) -> Result<Self, SettingsError> {
        let server = ServerSettings::read(&mut env, ":8081");
        let postgres = PostgresSettings::read(&mut env);
        let redis = RedisSettings::read(&mut env);
        let hold = env.seconds("HOLD_SECONDS", HOLD_SECONDS, 1..=MAX_HOLD_SECONDS);
        let payments = read_payments(&mut env);
        let settings = (|| {
            Some(Self {
                server: server?,
                postgres: postgres?,
                redis: redis?,
                hold: hold?,
                payments: payments?,
                sweep: SweepSettings::default(),
            })
        })();
        env.finish(settings)
    }
}

/// A required choice: a shop that forgot to say how it is paid must not give its tickets away.
fn read_payments(env: &mut Environment) -> Option<Payments> {
    let choices = [("free", Some(Payments::Free)), ("stripe", None)];
    let chosen = env.one_of("PAYMENT_PROVIDER", &choices)?;
    if chosen.is_none() {
        env.reject("PAYMENT_PROVIDER", "is stripe, which is not built yet: only free is");
    }
    chosen
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn complete() -> Vec<(&'static str, &'static str)> {
        vec![
            ("POSTGRES_HOST", "postgres"),
            ("POSTGRES_USER", "ticket_service"),
            ("POSTGRES_PASSWORD", "secret"),
            ("POSTGRES_DBNAME", "tickets"),
            ("REDIS_ADDR", "redis:6379"),
            ("PAYMENT_PROVIDER", "free"),
        ]
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let settings = Settings::read(Environment::from_pairs(complete())).expect("complete settings");
        assert_eq!(settings.hold, Duration::from_secs(15 * 60));
        assert_eq!(settings.server.addr, "0.0.0.0:8081");
    }

    #[rstest]
    #[case::payment_provider_is_not_guessed("PAYMENT_PROVIDER", "")]
    #[case::payment_provider_unknown("PAYMENT_PROVIDER", "cash")]
    #[case::stripe_is_not_built("PAYMENT_PROVIDER", "stripe")]
    #[case::no_hold_at_all("HOLD_SECONDS", "0")]
    #[case::hold_is_no_number("HOLD_SECONDS", "15m")]
    fn a_wrong_setting_is_refused_by_name(#[case] name: &'static str, #[case] value: &'static str) {
        let pairs = complete().into_iter().filter(|(other, _)| *other != name).chain([(name, value)]);
        let error = Settings::read(Environment::from_pairs(pairs)).err().expect("refused").to_string();
        assert!(error.contains(name), "{error}");
    }

    #[test]
    fn everything_that_is_missing_is_reported_at_once() {
        let error = Settings::read(Environment::default()).err().expect("refused").to_string();
        for name in
            ["POSTGRES_HOST", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DBNAME", "REDIS_ADDR", "PAYMENT_PROVIDER"]
        {
            assert!(error.contains(name), "{error}");
        }
    }
}
