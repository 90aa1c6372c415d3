//! Positions in the feed: where it ends now, and where a group of readers goes on.
//!
//! librdkafka's calls block, so each function hands them to a thread for blocking work.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use tokio::task::spawn_blocking;

use super::{KafkaSettings, batch::Partition, consumer::FeedConsumer};
use crate::faults::Fault;

const TIMEOUT: Duration = Duration::from_secs(10);
/// The pause between two looks at a topic that has just been created.
const PAUSE: Duration = Duration::from_millis(50);

/// Offsets by partition.
pub(crate) type Offsets = BTreeMap<Partition, i64>;

/// Where each partition of the feed's topics ends now. Topics may have been created a moment ago.
///
/// # Errors
/// When Kafka does not answer or a topic does not exist.
pub async fn ends(settings: &KafkaSettings) -> Result<Offsets, Fault> {
    let settings = settings.clone();
    let ends = spawn_blocking(move || {
        let client = group_client(&settings)?;
        let mut ends = Offsets::new();
        for topic in settings.topics.names() {
            for number in once_led(|| partitions(&client, topic))? {
                let (_, end) = once_led(|| client.fetch_watermarks(topic, number, TIMEOUT))?;
                ends.insert(Partition { topic: topic.to_owned(), number }, end);
            }
        }
        KafkaResult::Ok(ends)
    });
    Ok(ends.await??)
}

/// Commits positions for partitions of which the group has none, and says how many there were. The group must have no
/// members then: it reads nothing before it knows where to begin.
///
/// # Errors
/// When Kafka does not answer or refuses.
pub async fn commit_where_missing(settings: &KafkaSettings, positions: Offsets) -> Result<usize, Fault> {
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

/// The ends of those partitions of a consumer whose next record is gone: it expired before it was read, or nobody
/// remembers which it was.
pub(crate) async fn ends_of_lost(consumer: Arc<FeedConsumer>) -> Result<Offsets, Fault> {
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
pub(crate) async fn commit(consumer: Arc<FeedConsumer>, positions: Offsets) -> Result<(), Fault> {
    let committed = spawn_blocking(move || consumer.commit(&list(&positions, Offset::Offset)?, CommitMode::Sync));
    Ok(committed.await??)
}

pub(crate) fn list(positions: &Offsets, offset: impl Fn(i64) -> Offset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(positions.len());
    for (partition, position) in positions {
        list.add_partition_offset(&partition.topic, partition.number, offset(*position))?;
    }
    Ok(list)
}

fn group_client(settings: &KafkaSettings) -> KafkaResult<BaseConsumer> {
    ClientConfig::new()
        .set("bootstrap.servers", &settings.bootstrap_servers)
        .set("group.id", &settings.group)
        .set("enable.auto.commit", "false")
        .create()
}

/// Asks again while a new topic is not known to every broker or its partitions have no leader.
fn once_led<T>(ask: impl Fn() -> KafkaResult<T>) -> KafkaResult<T> {
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
                ) => std::thread::sleep(PAUSE),
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
