//! Where the stores are.

/// Addresses of the five stores.
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
    /// When a variable is missing: a test that needs stores fails without them, it is never skipped.
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

    /// `host:port` of Elasticsearch, for a [`crate::Proxy`].
    #[must_use]
    pub fn elasticsearch_addr(&self) -> &str {
        self.elasticsearch_url.trim_start_matches("http://")
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `make test`, or `dev/stores/stores up` and `eval \"$(dev/stores/stores env)\"`")
    })
}
