//! What tests against real stores share: where the stores are, a database per test, rows to start from, and a
//! connection that can be cut.

#![expect(clippy::expect_used, clippy::panic, reason = "test support: a broken set-up ends the test")]

mod database;
pub mod given;
mod proxy;

pub use database::TestDatabase;
pub use proxy::Proxy;

/// Addresses of the stores that `dev/stores/stores up` started.
#[derive(Debug, Clone)]
pub struct Stores {
    /// `postgres://` URL of a superuser.
    pub postgres_url: String,
    /// `host:port` of Redis.
    pub redis_addr: String,
    /// `host:port` of Kafka.
    pub kafka_bootstrap: String,
    /// URL of Kafka Connect.
    pub connect_url: String,
    /// URL of Elasticsearch.
    pub elasticsearch_url: String,
}

impl Stores {
    /// The stores that the environment names.
    ///
    /// # Panics
    /// When it names none: a test that needs stores fails without them, it is never skipped.
    #[must_use]
    pub fn from_environment() -> Self {
        Self {
            postgres_url: variable("TEST_POSTGRES_URL"),
            redis_addr: variable("TEST_REDIS_ADDR"),
            kafka_bootstrap: variable("TEST_KAFKA_BOOTSTRAP"),
            connect_url: variable("TEST_CONNECT_URL"),
            elasticsearch_url: variable("TEST_ELASTICSEARCH_URL"),
        }
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `make test`, or `dev/stores/stores up` and `eval \"$(dev/stores/stores env)\"`")
    })
}
