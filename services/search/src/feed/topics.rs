//! Creating the topics of the change feed.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{error::FeedError, settings::KafkaSettings};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Creates the topics that do not exist. Existing topics stay as they are.
pub(crate) async fn create_missing_topics(settings: &KafkaSettings) -> Result<(), FeedError> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &settings.bootstrap_servers).create()?;
    let copies = settings.topic_replication_factor;
    let topics = settings
        .topics
        .names()
        .map(|name| NewTopic::new(name, settings.topic_partitions, TopicReplication::Fixed(copies)));
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
    for outcome in admin.create_topics(&topics, &options).await? {
        match outcome {
            Ok(topic) => tracing::info!(topic, "topic created"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code).into()),
        }
    }
    Ok(())
}
