//! Positions in the feed: where it ends now, and where a consumer group continues.
//!
//! librdkafka's calls block, so each function runs them on a thread for blocking work.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Offset,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use tokio::task::spawn_blocking;

use super::{
    consumer::FeedConsumer,
    error::FeedError,
    partitions::{Offsets, Partition, list},
    settings::KafkaSettings,
};

const TIMEOUT: Duration = Duration::from_secs(10);
/// The pause between two questions about a topic that has just been created.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The end of each partition of the feed's topics now. The topics may have been created a moment ago.
pub(crate) async fn end_offsets(settings: &KafkaSettings) -> Result<Offsets, FeedError> {
    let settings = settings.clone();
    let ends = spawn_blocking(move || {
        let client = group_client(&settings)?;
        let mut ends = Offsets::new();
        for topic in settings.topics.names() {
            for number in retry_until_led(|| partitions(&client, topic))? {
                let (_, end) = retry_until_led(|| client.fetch_watermarks(topic, number, TIMEOUT))?;
                ends.insert(Partition { topic: topic.to_owned(), number }, end);
            }
        }
        KafkaResult::Ok(ends)
    });
    Ok(ends.await??)
}

/// Commits positions for those partitions in which the group has none, and returns how many these were.
///
/// Kafka accepts the commit only while the group has no members. A new group has none: the service joins it only after
/// the index is marked as filled, and that happens after this commit.
pub(crate) async fn commit_where_missing(settings: &KafkaSettings, positions: Offsets) -> Result<usize, FeedError> {
    let settings = settings.clone();
    let committed = spawn_blocking(move || {
        let client = group_client(&settings)?;
        let known = client.committed_offsets(list(&positions, |_| Offset::Invalid)?, TIMEOUT)?;
        let missing: Offsets = positions
            .into_iter()
            .filter(|(partition, _)| {
                let known = known.find_partition(&partition.topic, partition.number);
                !matches!(known.map(|known| known.offset()), Some(Offset::Offset(_)))
            })
            .collect();
        if !missing.is_empty() {
            client.commit(&list(&missing, Offset::Offset)?, CommitMode::Sync)?;
        }
        KafkaResult::Ok(missing.len())
    });
    Ok(committed.await??)
}

/// The ends of the consumer's lost partitions: those whose next record expired before it was read, and those in which
/// the group has no position.
pub(crate) async fn end_offsets_of_lost(consumer: Arc<FeedConsumer>) -> Result<Offsets, FeedError> {
    let lost = spawn_blocking(move || {
        let mut lost = Offsets::new();
        for known in consumer.committed(TIMEOUT)?.elements() {
            let (first, end) = consumer.fetch_watermarks(known.topic(), known.partition(), TIMEOUT)?;
            if !matches!(known.offset(), Offset::Offset(next) if (first..=end).contains(&next)) {
                lost.insert(Partition { topic: known.topic().to_owned(), number: known.partition() }, end);
            }
        }
        KafkaResult::Ok(lost)
    });
    Ok(lost.await??)
}

/// Commits positions as a member of the group.
pub(crate) async fn commit(consumer: Arc<FeedConsumer>, positions: Offsets) -> Result<(), FeedError> {
    let committed = spawn_blocking(move || consumer.commit(&list(&positions, Offset::Offset)?, CommitMode::Sync));
    Ok(committed.await??)
}

fn group_client(settings: &KafkaSettings) -> KafkaResult<BaseConsumer> {
    ClientConfig::new()
        .set("bootstrap.servers", &settings.bootstrap_servers)
        .set("group.id", &settings.group)
        .set("enable.auto.commit", "false")
        .create()
}

/// Asks again while some broker does not know a new topic yet, or a partition has no leader.
fn retry_until_led<T>(ask: impl Fn() -> KafkaResult<T>) -> KafkaResult<T> {
    use RDKafkaErrorCode::{
        LeaderNotAvailable, NotLeaderForPartition, UnknownPartition, UnknownTopic, UnknownTopicOrPartition,
    };
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match ask() {
            Err(error) if Instant::now() < deadline => match error.rdkafka_error_code() {
                Some(
                    LeaderNotAvailable
                    | NotLeaderForPartition
                    | UnknownPartition
                    | UnknownTopic
                    | UnknownTopicOrPartition,
                ) => std::thread::sleep(RETRY_PAUSE),
                _ => return Err(error),
            },
            answer => return answer,
        }
    }
}

fn partitions<C: ClientContext + ConsumerContext>(client: &BaseConsumer<C>, topic: &str) -> KafkaResult<Vec<i32>> {
    let metadata = client.fetch_metadata(Some(topic), TIMEOUT)?;
    let topic = metadata.topics().first().ok_or(KafkaError::NoMessageReceived)?;
    if let Some(error) = topic.error() {
        return Err(KafkaError::MetadataFetch(error.into()));
    }
    Ok(topic.partitions().iter().map(|partition| partition.id()).collect())
}
