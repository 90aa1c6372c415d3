//! Settings, read from the environment.

use std::path::PathBuf;

use elasticsearch::http::Url;
use kit::settings::{Environment, PostgresSettings, RedisSettings, ServerSettings, SettingsError};

use crate::{
    feed::{KafkaSettings, Topics},
    index::{Definition, ElasticsearchSettings},
};

/// The address to listen on unless `SERVER_ADDR` says otherwise.
const DEFAULT_ADDR: &str = ":8082";

/// The settings of `search serve`.
pub struct ServeSettings {
    pub server: ServerSettings,
    pub postgres: PostgresSettings,
    pub redis: RedisSettings,
    pub kafka: KafkaSettings,
    pub index: IndexSettings,
}

/// The settings of `search prepare-index`.
pub struct PrepareSettings {
    pub postgres: PostgresSettings,
    pub kafka: KafkaSettings,
    pub index: IndexSettings,
}

/// The index, and the Elasticsearch that holds it.
pub struct IndexSettings {
    pub elasticsearch: ElasticsearchSettings,
    pub definition: Definition,
    pub name: String,
}

impl ServeSettings {
    /// # Errors
    /// Every setting that is missing or malformed.
    pub fn read(mut env: Environment) -> Result<Self, SettingsError> {
        let server = ServerSettings::read(&mut env, DEFAULT_ADDR);
        let postgres = PostgresSettings::read(&mut env);
        let redis = RedisSettings::read(&mut env);
        let index = IndexSettings::read(&mut env);
        let kafka = read_kafka(&mut env, index.as_ref());
        let settings =
            (|| Some(Self { server: server?, postgres: postgres?, redis: redis?, kafka: kafka?, index: index? }))();
        env.finish(settings)
    }
}

impl PrepareSettings {
    /// # Errors
    /// Every setting that is missing or malformed.
    pub fn read(mut env: Environment) -> Result<Self, SettingsError> {
        let postgres = PostgresSettings::read(&mut env);
        let index = IndexSettings::read(&mut env);
        let kafka = read_kafka(&mut env, index.as_ref());
        let settings = (|| Some(Self { postgres: postgres?, kafka: kafka?, index: index? }))();
        env.finish(settings)
    }
}

impl IndexSettings {
    /// Reads `ELASTICSEARCH_ADDR` (URL, required), `ELASTICSEARCH_USERNAME` and `ELASTICSEARCH_PASSWORD`,
    /// `ELASTICSEARCH_CA_FILE`, `ELASTICSEARCH_INDEX_PREFIX` (default `events`), and `INDEX_DEFINITION_PATH` (default:
    /// the definition that is compiled into the program).
    fn read(env: &mut Environment) -> Option<Self> {
        let elasticsearch = read_elasticsearch(env);
        let prefix = env.or("ELASTICSEARCH_INDEX_PREFIX", "events".to_owned());
        let definition = read_definition(env);
        let definition = definition?;
        let name = definition.index_name(&prefix?);
        Some(Self { elasticsearch: elasticsearch?, definition, name })
    }
}

fn read_elasticsearch(env: &mut Environment) -> Option<ElasticsearchSettings> {
    let url = env.required::<Url>("ELASTICSEARCH_ADDR");
    if url.as_ref().is_some_and(|url| !matches!(url.scheme(), "http" | "https")) {
        env.reject("ELASTICSEARCH_ADDR", "must be an http or https URL");
    }
    let user: Option<Option<String>> = env.optional("ELASTICSEARCH_USERNAME");
    let password: Option<Option<String>> = env.optional("ELASTICSEARCH_PASSWORD");
    let credentials = match (user?, password?) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        _ => {
            env.reject("ELASTICSEARCH_USERNAME", "and ELASTICSEARCH_PASSWORD must be given together");
            None
        }
    };
    let file: Option<Option<PathBuf>> = env.optional("ELASTICSEARCH_CA_FILE");
    let authorities = match file?.map(std::fs::read) {
        None => None,
        Some(Ok(pem)) => Some(pem),
        Some(Err(error)) => {
            env.reject("ELASTICSEARCH_CA_FILE", format!("cannot be read: {error}"));
            None
        }
    };
    Some(ElasticsearchSettings { url: url?, credentials, authorities })
}

fn read_definition(env: &mut Environment) -> Option<Definition> {
    let path: Option<PathBuf> = env.optional("INDEX_DEFINITION_PATH")?;
    let definition = path.map_or_else(Definition::compiled_in, |path| Definition::read(&path));
    definition.map_err(|error| env.reject("INDEX_DEFINITION_PATH", error)).ok()
}

/// Reads `KAFKA_LISTENERS` (bootstrap servers, required), `KAFKA_TOPIC_PREFIX` (default `pg`), `KAFKA_CONSUMER_GROUP`
/// (default `search-<index>`), `KAFKA_TOPIC_PARTITIONS` (3), `KAFKA_TOPIC_REPLICATION_FACTOR` (1), `FEED_BATCH_RECORDS`
/// (500), and `FEED_STOP_AFTER_UNDECODABLE` (10).
fn read_kafka(env: &mut Environment, index: Option<&IndexSettings>) -> Option<KafkaSettings> {
    let bootstrap_servers = env.required("KAFKA_LISTENERS");
    let prefix: Option<String> = env.or("KAFKA_TOPIC_PREFIX", "pg".to_owned());
    let group: Option<Option<String>> = env.optional("KAFKA_CONSUMER_GROUP");
    let topic_partitions = env.in_range("KAFKA_TOPIC_PARTITIONS", 3, 1..=1000);
    let topic_replication_factor = env.in_range("KAFKA_TOPIC_REPLICATION_FACTOR", 1, 1..=100);
    let batch_records = env.in_range("FEED_BATCH_RECORDS", 500, 1..=10_000);
    let stop_after_undecodable = env.in_range("FEED_STOP_AFTER_UNDECODABLE", 10, 1..=1_000_000);
    Some(KafkaSettings {
        bootstrap_servers: bootstrap_servers?,
        topics: Topics::under(&prefix?),
        group: group?.or_else(|| index.map(|index| format!("search-{}", index.name)))?,
        topic_partitions: topic_partitions?,
        topic_replication_factor: topic_replication_factor?,
        batch_records: batch_records?,
        stop_after_undecodable: stop_after_undecodable?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: [(&str, &str); 7] = [
        ("POSTGRES_HOST", "db"),
        ("POSTGRES_USER", "u"),
        ("POSTGRES_PASSWORD", "p"),
        ("POSTGRES_DBNAME", "tickets"),
        ("REDIS_ADDR", "redis:6379"),
        ("KAFKA_LISTENERS", "kafka:9092"),
        ("ELASTICSEARCH_ADDR", "http://elasticsearch:9200"),
    ];

    #[test]
    fn everything_that_is_missing_or_malformed_is_named_at_once() {
        let env = Environment::from_pairs([
            ("ELASTICSEARCH_ADDR", "nowhere"),
            ("FEED_BATCH_RECORDS", "many"),
            ("INDEX_DEFINITION_PATH", "/nowhere"),
            ("ELASTICSEARCH_USERNAME", "u"),
        ]);
        let problems = ServeSettings::read(env).err().unwrap().to_string();
        for name in [
            "POSTGRES_HOST",
            "REDIS_ADDR",
            "KAFKA_LISTENERS",
            "ELASTICSEARCH_ADDR",
            "ELASTICSEARCH_USERNAME",
            "FEED_BATCH_RECORDS",
            "INDEX_DEFINITION_PATH",
        ] {
            assert!(problems.contains(name), "{name} is not in: {problems}");
        }
    }

    #[test]
    fn each_index_has_a_consumer_group_of_its_own() {
        let settings = ServeSettings::read(Environment::from_pairs(REQUIRED)).unwrap();
        assert_eq!(settings.kafka.group, format!("search-{}", settings.index.name));
        assert!(settings.index.name.starts_with("events-"));
        assert_eq!(settings.kafka.topics.names(), ["pg.public.events", "pg.public.venues"]);
        assert_eq!(settings.server.addr, "0.0.0.0:8082");
    }
}
