//! The Kafka consumer: how it is set up, and taking records from it in batches.

use std::collections::HashMap;

use futures::FutureExt;
use rdkafka::{
    ClientConfig, ClientContext, Message, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance, StreamConsumer},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use serde::Deserialize;

use super::{
    KafkaSettings,
    batch::{Partition, Record},
    metrics::FeedMetrics,
    positions::{Offsets, list},
    status::Status,
};

/// A consumer of the change feed.
pub(crate) type FeedConsumer = StreamConsumer<FeedContext>;

/// What the consumer says of itself goes to logs, metrics and status.
pub(crate) struct FeedContext {
    pub(crate) metrics: FeedMetrics,
    pub(crate) status: Status,
}

/// What came next.
#[derive(Default)]
pub(crate) struct Received {
    /// Records in their order.
    pub(crate) records: Vec<Record>,
    /// A partition's place to go on from is unknown, or its record is gone: nothing is fetched from it any more.
    pub(crate) position_lost: bool,
}

/// Joins the group and asks for the feed's topics.
pub(crate) fn subscribe(settings: &KafkaSettings, context: FeedContext) -> KafkaResult<FeedConsumer> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.bootstrap_servers).set("group.id", &settings.group);
    let fixed = [
        // Offsets are stored once what they stand for is indexed; what is stored is committed soon after.
        ("enable.auto.offset.store", "false"),
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "500"),
        // An offset that is out of range means records that nobody read: that is never passed over in silence.
        ("auto.offset.reset", "error"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        // The partitions of a replica that was killed are read again this soon; brokers take no less by default.
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "2000"),
        // A store may be down for long while a batch is tried again.
        ("max.poll.interval.ms", "1800000"),
        ("allow.auto.create.topics", "false"),
        // Topics created after the start, and partitions added to them, are found this soon.
        ("topic.metadata.refresh.interval.ms", "2000"),
        ("statistics.interval.ms", "1000"),
        ("client.id", "search"),
    ];
    for (name, value) in fixed {
        config.set(name, value);
    }
    let consumer: FeedConsumer = config.create_with_context(context)?;
    consumer.subscribe(&settings.topics.names())?;
    Ok(consumer)
}

/// Waits for a record and takes those that have arrived with it.
pub(crate) async fn receive(consumer: &FeedConsumer, most: usize) -> Received {
    let mut received = Received::default();
    while received.records.len() < most && !received.position_lost {
        let records = &mut received.records;
        let next = if records.is_empty() { Some(consumer.recv().await) } else { consumer.recv().now_or_never() };
        match next {
            Some(Ok(message)) => records.push(record(&message)),
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                received.position_lost = true
            }
            Some(Err(error)) => tracing::warn!(%error, "Kafka"),
            None => break,
        }
    }
    received
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        partition: Partition { topic: message.topic().to_owned(), number: message.partition() },
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
    }
}

/// Notes that everything before these offsets is indexed.
pub(crate) fn store(consumer: &FeedConsumer, next: &Offsets) {
    for (partition, offset) in next {
        let one = Offsets::from([(partition.clone(), *offset)]);
        let stored = list(&one, Offset::Offset).and_then(|list| consumer.store_offsets(&list));
        if let Err(error) = stored {
            // The partition went to another replica, which reads the records again.
            tracing::info!(%error, topic = partition.topic, partition = partition.number, "offset not stored");
        }
    }
}

impl ClientContext for FeedContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error => {
                tracing::error!(facility, message, "librdkafka");
            }
            RDKafkaLogLevel::Warning => tracing::warn!(facility, message, "librdkafka"),
            _ => tracing::debug!(facility, message, "librdkafka"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "Kafka");
    }

    fn stats_raw(&self, statistics: &[u8]) {
        match serde_json::from_slice::<Statistics>(statistics) {
            Ok(statistics) => statistics.lags().for_each(|(partition, lag)| {
                self.metrics.lag(&partition.topic, partition.number, lag);
                self.status.set_lag(partition, lag);
            }),
            Err(error) => tracing::warn!(%error, "librdkafka's statistics have another form"),
        }
    }
}

impl ConsumerContext for FeedContext {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => tracing::info!(partitions = names(partitions), "partitions assigned"),
            Rebalance::Revoke(partitions) => {
                tracing::info!(partitions = names(partitions), "partitions revoked");
                for partition in partitions.elements() {
                    let (topic, number) = (partition.topic().to_owned(), partition.partition());
                    self.metrics.partition_lost(&topic, number);
                    self.status.partition_lost(&Partition { topic, number });
                }
            }
            Rebalance::Error(error) => tracing::warn!(%error, "partitions could not be assigned"),
        }
    }
}

fn names(partitions: &TopicPartitionList) -> String {
    let names = partitions.elements().into_iter().map(|element| format!("{}/{}", element.topic(), element.partition()));
    names.collect::<Vec<_>>().join(" ")
}

/// The few of librdkafka's statistics that are used.
#[derive(Deserialize)]
struct Statistics {
    topics: HashMap<String, TopicStatistics>,
}

#[derive(Deserialize)]
struct TopicStatistics {
    partitions: HashMap<i32, PartitionStatistics>,
}

#[derive(Deserialize)]
struct PartitionStatistics {
    fetch_state: String,
    hi_offset: i64,
    stored_offset: i64,
    committed_offset: i64,
}

impl Statistics {
    /// Records between what is indexed and the end, for the partitions that are being read.
    fn lags(self) -> impl Iterator<Item = (Partition, i64)> {
        self.topics.into_iter().flat_map(|(topic, statistics)| {
            statistics.partitions.into_iter().filter_map(move |(number, partition)| {
                let done = partition.stored_offset.max(partition.committed_offset);
                let known = partition.fetch_state == "active" && done >= 0 && partition.hi_offset >= 0;
                known.then(|| (Partition { topic: topic.clone(), number }, (partition.hi_offset - done).max(0)))
            })
        })
    }
}
