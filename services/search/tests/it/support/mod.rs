//! The world of one test: a database, an index, topics and a consumer group of its own, and the service that uses them.

mod comparison;
mod connector;
mod kafka;
mod service;

use std::time::Duration;

use kit::{
    postgres::{Pool, SessionParameter},
    settings::{Environment, PostgresSettings},
};
use rdkafka::{ClientConfig, admin::AdminClient, client::DefaultClientContext};
use release::PreparedIndex;
use search::{Index, PrepareSettings, Rows, prepare_index};
use sqlx::PgPool;
use testbed::{Stores, TestDatabase};
use uuid::Uuid;

pub(crate) use service::Service;

/// Far longer than Kafka takes to give or take a record.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that belongs to one test.
pub(crate) struct World {
    pub stores: Stores,
    pub database: TestDatabase,
    /// Prefix of the test's index, topics and Redis keys; name of its connector, slot and publication.
    pub name: String,
    /// Settings that replace the usual ones or are added to them.
    pub extra: Vec<(String, String)>,
    connected: bool,
}

impl World {
    pub(crate) async fn create() -> Self {
        let name = format!("t{}", &Uuid::new_v4().simple().to_string()[..12]);
        let stores = Stores::from_environment();
        Self { stores, database: TestDatabase::create().await, name, extra: Vec::new(), connected: false }
    }

    /// A world whose index exists and is filled.
    pub(crate) async fn prepared() -> Self {
        let world = Self::create().await;
        world.prepare().await;
        world
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.extra.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut pairs = self.database.environment();
        let ours = [
            ("REDIS_ADDR", self.stores.redis_addr.as_str()),
            // All tests share the contract's cache keys. So each test asks for words of its own, and an answer from
            // another test's index is not used.
            ("REDIS_DB", "0"),
            ("KAFKA_LISTENERS", &self.stores.kafka_bootstrap),
            ("KAFKA_TOPIC_PREFIX", &self.name),
            ("ELASTICSEARCH_ADDR", &self.stores.elasticsearch_url),
            ("ELASTICSEARCH_INDEX_PREFIX", &self.name),
            ("SERVER_MODE", "test"),
        ];
        pairs.extend(ours.map(|(name, value)| (name.to_owned(), value.to_owned())));
        // Later pairs replace earlier ones.
        pairs.extend(self.extra.iter().cloned());
        pairs
    }

    pub(crate) fn settings(&self) -> PrepareSettings {
        PrepareSettings::read(Environment::from_pairs(self.environment())).unwrap()
    }

    pub(crate) fn index(&self) -> Index {
        let settings = self.settings().index;
        Index::new(&settings.elasticsearch, settings.name).unwrap()
    }

    pub(crate) fn rows(&self) -> Rows {
        self.rows_with(&[])
    }

    /// The same, with parameters for each database session.
    pub(crate) fn rows_with(&self, parameters: &'static [SessionParameter]) -> Rows {
        let mut env = Environment::from_pairs(self.database.environment());
        let settings = PostgresSettings::read(&mut env);
        Rows::new(Pool::with_parameters(&env.finish(settings).unwrap(), parameters))
    }

    pub(crate) async fn prepare(&self) -> PreparedIndex {
        self.prepare_with(&self.rows()).await
    }

    pub(crate) async fn prepare_with(&self, rows: &Rows) -> PreparedIndex {
        let PrepareSettings { kafka, index, .. } = self.settings();
        prepare_index(rows, &index, &kafka).await.unwrap()
    }

    /// The URL of the test's index, for requests without the client under test.
    pub(crate) fn elasticsearch(&self, path: &str) -> String {
        format!("{}/{}{path}", self.stores.elasticsearch_url, self.index().name())
    }

    pub(crate) async fn sql(&self, statement: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(self.pool()).await.unwrap();
    }

    async fn clean_up(&self) {
        if self.connected {
            self.remove_connector().await;
        }
        // This request goes to the store directly: the settings may name a proxy that no longer answers.
        let _ = reqwest::Client::new().delete(self.elasticsearch("")).send().await;
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.stores.kafka_bootstrap).create().unwrap();
        let topics = self.settings().kafka.topics;
        let _ = admin.delete_topics(&topics.names(), &rdkafka::admin::AdminOptions::new()).await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // `drop` cannot wait in the test's runtime, so it uses a runtime of its own in another thread.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(self.clean_up());
            });
        });
    }
}
