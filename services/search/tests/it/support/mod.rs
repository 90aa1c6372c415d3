//! A database, an index, topics and a consumer group of the test's own, and the service on top of them.

mod comparison;
mod connector;
mod kafka;
mod service;

use std::time::{Duration, Instant};

use kit::{
    postgres::{Pool, SessionParameter},
    settings::{Environment, PostgresSettings},
};
use rdkafka::{ClientConfig, admin::AdminClient, client::DefaultClientContext};
use search::{
    feed::FeedMetrics,
    index::Index,
    prepare::{Prepared, prepare},
    rows::Rows,
    settings::PrepareSettings,
};
use sqlx::PgPool;
use testbed::{Stores, TestDatabase};
use uuid::Uuid;

pub(crate) use service::Service;

/// Far longer than anything takes here; a wait ends with its condition.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// Everything that belongs to one test.
pub(crate) struct World {
    pub stores: Stores,
    pub database: TestDatabase,
    /// Prefix of the test's index, topics and Redis keys; name of its connector, slot and publication.
    pub name: String,
    /// Settings that replace or extend the usual ones.
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
            // Answers are cached under the contract's keys, so tests must not share questions: each asks for words or
            // databases of its own.
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
        let mut env = Environment::from_pairs(self.environment());
        let settings = PrepareSettings::read(&mut env);
        env.finish(settings).unwrap()
    }

    pub(crate) fn index(&self) -> Index {
        let settings = self.settings().index;
        Index::new(&settings.elasticsearch, settings.name).unwrap()
    }

    pub(crate) fn rows(&self) -> Rows {
        self.rows_with(&[])
    }

    /// The same, with parameters for each session.
    pub(crate) fn rows_with(&self, parameters: &'static [SessionParameter]) -> Rows {
        let mut env = Environment::from_pairs(self.database.environment());
        let settings = PostgresSettings::read(&mut env);
        Rows::new(Pool::with_parameters(&env.finish(settings).unwrap(), parameters))
    }

    pub(crate) async fn prepare(&self) -> Prepared {
        let PrepareSettings { kafka, index: settings, .. } = self.settings();
        let metrics = FeedMetrics::uncollected().unwrap();
        prepare(&self.rows(), &self.index(), &settings.definition, &kafka, metrics).await.unwrap()
    }

    /// Asks Elasticsearch past the client under test.
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
        // Not through the client: the settings may name an address that no longer answers.
        let _ = reqwest::Client::new().delete(self.elasticsearch("")).send().await;
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.stores.kafka_bootstrap).create().unwrap();
        let topics = self.settings().kafka.topics;
        let _ = admin.delete_topics(&topics.names(), &rdkafka::admin::AdminOptions::new()).await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A thread and a runtime of its own: `drop` cannot wait in the test's.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(self.clean_up());
            });
        });
    }
}

/// Waits until a question has an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
