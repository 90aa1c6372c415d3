//! Settings of the booking service.

use std::time::Duration;

use kit::settings::{Environment, PostgresSettings, RedisSettings, ServerSettings, SettingsError};
use seats::HoldLimits;

/// A hold's length in seconds unless `HOLD_SECONDS` says otherwise: the contract's 15 minutes.
const HOLD_SECONDS: u64 = 900;
/// A hold's life at most in seconds, however often it is extended, unless `HOLD_LIFETIME_SECONDS` says otherwise.
const HOLD_LIFETIME_SECONDS: u64 = 3600;
/// The longest hold: a seat that is held for more than a day is not really for sale.
const MAX_HOLD_SECONDS: u64 = 86_400;
/// The largest cap: no event has more tickets for one person.
const MAX_TICKETS_PER_USER: u32 = 100_000;
/// A payment's time in seconds unless `PAYMENT_SECONDS` says otherwise: enough to find a phone and confirm.
const PAYMENT_SECONDS: u64 = 600;
/// Stripe's own API.
const STRIPE_API_URL: &str = "https://api.stripe.com";
/// The currencies that prices may be in, all of which Stripe takes cards in. A currency without minor units (such as
/// JPY) counts in whole units at Stripe as well, so a price means the same.
const CURRENCIES: &[(&str, &str)] = &[
    ("aud", "aud"),
    ("brl", "brl"),
    ("cad", "cad"),
    ("chf", "chf"),
    ("czk", "czk"),
    ("dkk", "dkk"),
    ("eur", "eur"),
    ("gbp", "gbp"),
    ("hkd", "hkd"),
    ("huf", "huf"),
    ("inr", "inr"),
    ("jpy", "jpy"),
    ("krw", "krw"),
    ("mxn", "mxn"),
    ("nok", "nok"),
    ("nzd", "nzd"),
    ("pln", "pln"),
    ("ron", "ron"),
    ("sek", "sek"),
    ("sgd", "sgd"),
    ("usd", "usd"),
    ("zar", "zar"),
];

#[derive(Clone)]
pub struct Settings {
    /// The HTTP server.
    pub server: ServerSettings,
    /// The database that decides sales.
    pub postgres: PostgresSettings,
    /// Where holds live.
    pub redis: RedisSettings,
    /// `HOLD_SECONDS`, `HOLD_LIFETIME_SECONDS` and `MAX_TICKETS_PER_USER` (0, the default: any number).
    pub limits: HoldLimits,
    /// `PAYMENT_PROVIDER`.
    pub payments: PaymentSettings,
    /// `CURRENCY`: of all prices, ISO 4217 in lower case, default `eur`.
    pub currency: &'static str,
    /// When and how often the sweeper looks for sales that were left behind.
    pub sweep: SweepSettings,
}

/// Who takes the money.
#[derive(Clone)]
pub enum PaymentSettings {
    /// Tickets cost nothing, whatever their price says.
    Free,
    Stripe(StripeSettings),
}

/// How Stripe is reached.
#[derive(Clone)]
pub struct StripeSettings {
    /// `STRIPE_SECRET_KEY`, required.
    pub secret_key: String,
    /// `STRIPE_WEBHOOK_SECRET`, required: without it a forged webhook could not be told from a real one.
    pub webhook_secret: String,
    /// `STRIPE_API_URL`: where the API is, default Stripe's own.
    pub api_url: String,
    /// `PAYMENT_SECONDS`: how long a customer has for a payment. Default 10 minutes.
    pub payment_time: Duration,
}

/// Settings of the sweeper. They are not read from the environment: only tests need other values.
#[derive(Debug, Clone, Copy)]
pub struct SweepSettings {
    /// The pause between two looks. A look that finds nothing is one small call to Redis.
    pub every: Duration,
    /// A sale that has not ended after this time counts as left behind. It is longer than the longest sale takes by its
    /// own limits (for its batch, for a connection and for PostgreSQL's answer); otherwise the sweeper would give up
    /// good sales.
    pub after: Duration,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(1), after: Duration::from_secs(15) }
    }
}

impl Settings {
    /// Reads all settings from the environment.
    ///
    /// # Errors
    /// Names everything that is missing or malformed.
    pub fn read(mut env: Environment) -> Result<Self, SettingsError> {
        let server = ServerSettings::read(&mut env, ":8081");
        let postgres = PostgresSettings::read(&mut env);
        let redis = RedisSettings::read(&mut env);
        let limits = read_limits(&mut env);
        let payments = read_payments(&mut env);
        let currency = env.one_of_or("CURRENCY", "eur", CURRENCIES);
        let settings = (|| {
            Some(Self {
                server: server?,
                postgres: postgres?,
                redis: redis?,
                limits: limits?,
                payments: payments?,
                currency: currency?,
                sweep: SweepSettings::default(),
            })
        })();
        env.finish(settings)
    }
}

fn read_limits(env: &mut Environment) -> Option<HoldLimits> {
    let length = env.seconds("HOLD_SECONDS", HOLD_SECONDS, 1..=MAX_HOLD_SECONDS);
    // A length beyond the default lifetime is its own lifetime.
    let default_lifetime = length.map_or(HOLD_LIFETIME_SECONDS, |length| length.as_secs().max(HOLD_LIFETIME_SECONDS));
    let lifetime = env.seconds("HOLD_LIFETIME_SECONDS", default_lifetime, 1..=MAX_HOLD_SECONDS);
    let tickets_per_user = env.in_range("MAX_TICKETS_PER_USER", 0, 0..=MAX_TICKETS_PER_USER);
    let (length, lifetime, tickets_per_user) = (length?, lifetime?, tickets_per_user?);
    if lifetime < length {
        env.reject("HOLD_LIFETIME_SECONDS", "is less than HOLD_SECONDS");
        return None;
    }
    Some(HoldLimits { length, lifetime, tickets_per_user })
}

/// The choice is required: a shop that forgot to configure payments must not give its tickets away.
fn read_payments(env: &mut Environment) -> Option<PaymentSettings> {
    let stripe = env.one_of("PAYMENT_PROVIDER", &[("free", false), ("stripe", true)])?;
    if !stripe {
        return Some(PaymentSettings::Free);
    }
    let secret_key = env.required("STRIPE_SECRET_KEY");
    let webhook_secret = env.required("STRIPE_WEBHOOK_SECRET");
    let api_url = read_url(env);
    let payment_time = env.seconds("PAYMENT_SECONDS", PAYMENT_SECONDS, 1..=MAX_HOLD_SECONDS);
    Some(PaymentSettings::Stripe(StripeSettings {
        secret_key: secret_key?,
        webhook_secret: webhook_secret?,
        api_url: api_url?,
        payment_time: payment_time?,
    }))
}

fn read_url(env: &mut Environment) -> Option<String> {
    let url: String = env.or("STRIPE_API_URL", STRIPE_API_URL.to_owned())?;
    match reqwest::Url::parse(&url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
            Some(url.trim_end_matches('/').to_owned())
        }
        _ => {
            env.reject("STRIPE_API_URL", "must be a URL that begins with http:// or https://");
            None
        }
    }
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
        assert_eq!(settings.limits.length, Duration::from_secs(15 * 60));
        assert_eq!(settings.limits.tickets_per_user, 0);
        assert_eq!(settings.server.addr, "0.0.0.0:8081");
    }

    #[rstest]
    #[case::payment_provider_is_not_guessed("PAYMENT_PROVIDER", "")]
    #[case::payment_provider_unknown("PAYMENT_PROVIDER", "cash")]
    #[case::currency_unknown("CURRENCY", "EURO")]
    #[case::more_life_than_a_day("HOLD_LIFETIME_SECONDS", "86401")]
    #[case::less_life_than_length("HOLD_LIFETIME_SECONDS", "60")]
    #[case::cap_is_negative("MAX_TICKETS_PER_USER", "-1")]
    #[case::no_hold_at_all("HOLD_SECONDS", "0")]
    #[case::hold_is_no_number("HOLD_SECONDS", "15m")]
    fn a_wrong_setting_is_refused_by_name(#[case] name: &'static str, #[case] value: &'static str) {
        let pairs = complete().into_iter().filter(|(other, _)| *other != name).chain([(name, value)]);
        let error = Settings::read(Environment::from_pairs(pairs)).err().expect("refused").to_string();
        assert!(error.contains(name), "{error}");
    }

    fn with_stripe(others: &[(&'static str, &'static str)]) -> Result<Settings, SettingsError> {
        let pairs = complete().into_iter().filter(|(name, _)| *name != "PAYMENT_PROVIDER");
        Settings::read(Environment::from_pairs(
            pairs.chain([("PAYMENT_PROVIDER", "stripe")]).chain(others.iter().copied()),
        ))
    }

    #[test]
    fn stripe_without_its_keys_is_refused_and_never_means_free() {
        let error = with_stripe(&[("STRIPE_SECRET_KEY", "")]).err().expect("refused").to_string();
        for name in ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"] {
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn stripe_is_reached_where_the_settings_say() {
        let keys = [("STRIPE_SECRET_KEY", "sk_test_1"), ("STRIPE_WEBHOOK_SECRET", "whsec_1")];
        let settings =
            with_stripe(&[keys[0], keys[1], ("STRIPE_API_URL", "http://127.0.0.1:12111/")]).expect("complete");
        let PaymentSettings::Stripe(stripe) = settings.payments else { panic!("not free") };
        assert_eq!(stripe.api_url, "http://127.0.0.1:12111");
        let error = with_stripe(&[keys[0], keys[1], ("STRIPE_API_URL", "stripe")]).err().expect("refused").to_string();
        assert!(error.contains("STRIPE_API_URL"), "{error}");
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
