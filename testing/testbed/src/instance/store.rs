//! The five stores.

use std::fmt;

use crate::signal::Signal;

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Store {
    Postgres,
    Redis,
    Elasticsearch,
    Kafka,
    Connect,
}

impl Store {
    /// All stores, in the order in which they are started.
    pub const ALL: [Self; 5] = [Self::Postgres, Self::Redis, Self::Elasticsearch, Self::Kafka, Self::Connect];

    /// Its name in commands, folders and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Elasticsearch => "elasticsearch",
            Self::Kafka => "kafka",
            Self::Connect => "connect",
        }
    }

    /// The Debian root in which it runs.
    pub(super) const fn root(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Elasticsearch | Self::Kafka | Self::Connect => "java",
        }
    }

    /// The name of the port at which its clients find it.
    pub(super) const fn port_name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres_port",
            Self::Redis => "redis_port",
            Self::Elasticsearch => "elasticsearch_port",
            Self::Kafka => "kafka_port",
            Self::Connect => "connect_port",
        }
    }

    /// The signal that asks it to end.
    pub(super) const fn stop_signal(self) -> Signal {
        match self {
            // PostgreSQL's "fast" shutdown does not wait until its clients leave.
            Self::Postgres => Signal::INT,
            Self::Redis | Self::Elasticsearch | Self::Kafka | Self::Connect => Signal::TERM,
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
