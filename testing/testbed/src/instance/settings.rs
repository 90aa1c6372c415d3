//! Where the stores of an instance are.

use anyhow::{Result, ensure};

use super::{Instance, Store};
use crate::Stores;

impl Instance {
    /// Where the stores are.
    ///
    /// # Errors
    /// When the instance was never started.
    pub fn addresses(&self) -> Result<Stores> {
        let port = |store| self.port(store);
        Ok(Stores {
            postgres_url: format!("postgres://postgres:postgres@127.0.0.1:{}/postgres", port(Store::Postgres)?),
            redis_addr: format!("127.0.0.1:{}", port(Store::Redis)?),
            kafka_bootstrap: format!("127.0.0.1:{}", port(Store::Kafka)?),
            connect_url: format!("http://127.0.0.1:{}", port(Store::Connect)?),
            elasticsearch_url: format!("http://127.0.0.1:{}", port(Store::Elasticsearch)?),
        })
    }

    /// The same as lines for a shell, with the services' own settings.
    ///
    /// # Errors
    /// When the instance was never started.
    pub fn shell_settings(&self) -> Result<String> {
        let Stores { postgres_url, redis_addr, kafka_bootstrap, connect_url, elasticsearch_url } = self.addresses()?;
        let postgres_port = self.port(Store::Postgres)?;
        Ok(format!(
            "export TEST_POSTGRES_URL={postgres_url}
export TEST_REDIS_ADDR={redis_addr}
export TEST_KAFKA_BOOTSTRAP={kafka_bootstrap}
export TEST_CONNECT_URL={connect_url}
export TEST_ELASTICSEARCH_URL={elasticsearch_url}
export POSTGRES_HOST=127.0.0.1 POSTGRES_PORT={postgres_port} POSTGRES_DBNAME=tickets POSTGRES_SSLMODE=disable
export POSTGRES_USER=${{POSTGRES_USER:-ticket_service}} POSTGRES_PASSWORD=${{POSTGRES_PASSWORD:-service}}
export REDIS_ADDR={redis_addr}
export KAFKA_LISTENERS={kafka_bootstrap}
export ELASTICSEARCH_ADDR={elasticsearch_url}
export CONNECT_URL={connect_url}
# To migrate: POSTGRES_USER=ticket_migration POSTGRES_PASSWORD=migration; the change feed: ticket_change_feed, change-feed
"
        ))
    }

    /// The port at which the clients of a store find it.
    pub(super) fn port(&self, store: Store) -> Result<u16> {
        let ports = self.ports()?;
        ensure!(!ports.is_empty(), "no such instance yet: dev/stores/stores --name {} up", self.name);
        ports.of(store.port_name())
    }
}
