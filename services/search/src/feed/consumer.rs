//! The Kafka consumer: its configuration, and how records are taken from it.

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
    metrics::FeedMetrics,
    partitions::{Offsets, Partition, list},
    settings::KafkaSettings,
    status::SharedStatus,
};

pub(crate) type FeedConsumer = StreamConsumer<FeedContext>;

/// Passes librdkafka's logs, errors and statistics on to our logs, metrics and status.
pub(crate) struct FeedContext {
    pub(crate) metrics: FeedMetrics,
    pub(crate) status: SharedStatus,
}

/// A record as it came from Kafka.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) partition: Partition,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

#[derive(Default)]
pub(crate) struct Received {
    pub(crate) records: Vec<Record>,
    /// The group has no position in some partition, or the record at its position is gone. librdkafka fetches nothing
    /// more from such a partition.
    pub(crate) position_lost: bool,
}

/// Joins the group and asks for the feed's topics.
pub(crate) fn subscribe(settings: &KafkaSettings, context: FeedContext) -> KafkaResult<FeedConsumer> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.bootstrap_servers).set("group.id", &settings.group);
    let fixed = [
        // We store an offset after everything before it is indexed; librdkafka commits stored offsets soon after.
        ("enable.auto.offset.store", "false"),
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "500"),
        // An offset that is out of range means that records were lost before anybody read them. A reset to either end
        // would hide that.
        ("auto.offset.reset", "error"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        // After this time the partitions of a killed replica go to others. It is the shortest that brokers accept by
        // default.
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "2000"),
        // While a store is down, a batch is retried for a long time without a poll.
        ("max.poll.interval.ms", "1800000"),
        ("allow.auto.create.topics", "false"),
        // The time after which new topics and added partitions are noticed.
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

/// Waits for a record, and also takes those that have arrived by then, at most `limit` in all.
pub(crate) async fn receive(consumer: &FeedConsumer, limit: usize) -> Received {
    let mut received = Received::default();
    while received.records.len() < limit && !received.position_lost {
        let records = &mut received.records;
        let next = if records.is_empty() { Some(consumer.recv().await) } else { consumer.recv().now_or_never() };
        match next {
            Some(Ok(message)) => records.push(record(&message)),
            Some(Err(KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset))) => {
                received.position_lost = true
            }
            Some(Err(error)) => tracing::warn!(%error, "receiving from Kafka failed"),
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

/// Stores the offsets before which everything is indexed. librdkafka commits them.
pub(crate) fn store_offsets(consumer: &FeedConsumer, next: &Offsets) {
    for (partition, offset) in next {
        let one = Offsets::from([(partition.clone(), *offset)]);
        let stored = list(&one, Offset::Offset).and_then(|list| consumer.store_offsets(&list));
        if let Err(error) = stored {
            // Another replica has the partition now and reads the records again.
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
        tracing::warn!(%error, reason, "Kafka client error");
    }

    fn stats_raw(&self, statistics: &[u8]) {
        match serde_json::from_slice::<Statistics>(statistics) {
            Ok(statistics) => statistics.lags().for_each(|(partition, lag)| {
                self.metrics.set_lag(&partition.topic, partition.number, lag);
                self.status.set_lag(partition, lag);
            }),
            Err(error) => tracing::warn!(%error, "librdkafka's statistics could not be read"),
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
                    self.metrics.remove_lag(&topic, number);
                    self.status.remove_lag(&Partition { topic, number });
                }
            }
            Rebalance::Error(error) => tracing::warn!(%error, "rebalancing failed"),
        }
    }
}

fn names(partitions: &TopicPartitionList) -> String {
    let names = partitions.elements().into_iter().map(|element| format!("{}/{}", element.topic(), element.partition()));
    names.collect::<Vec<_>>().join(" ")
}

/// The part of librdkafka's statistics that is used here.
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
    /// The records that wait to be indexed, for each partition that this consumer reads.
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
