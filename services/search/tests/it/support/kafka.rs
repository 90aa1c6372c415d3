//! Writing records and reading offsets without the code under test.

use std::time::Duration;

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer, StreamConsumer},
    message::Message,
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};
use testbed::eventually;

use super::{PATIENCE, World};

const TIMEOUT: Duration = Duration::from_secs(10);

/// How far the service's consumer group is in one partition.
pub(crate) struct Position {
    pub topic: String,
    pub partition: i32,
    pub committed: Option<i64>,
    pub end: i64,
}

impl World {
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.stores.kafka_bootstrap);
        config
    }

    /// Writes a record into the topic of a table.
    pub(crate) async fn produce(&self, table: &str, key: Option<&str>, value: Option<&str>) {
        let producer: FutureProducer = self.client().create().unwrap();
        let topic = format!("{}.public.{table}", self.name);
        let mut record: FutureRecord<'_, str, str> = FutureRecord::to(&topic).partition(0);
        record.key = key;
        record.payload = value;
        producer.send(record, PATIENCE).await.unwrap();
    }

    /// Writes a record like Debezium's for an update in this transaction.
    pub(crate) async fn produce_change(&self, table: &str, id: i64, transaction: u64) {
        let source = json!({"txId": transaction, "lsn": 1, "ts_ms": 1, "snapshot": "false"});
        let value = json!({"op": "u", "before": null, "after": {"id": id}, "source": source}).to_string();
        self.produce(table, Some(&json!({"id": id}).to_string()), Some(&value)).await;
    }

    /// The group's position in each partition of the feed.
    pub(crate) fn positions(&self) -> Vec<Position> {
        let kafka = self.settings().kafka;
        let client: BaseConsumer = self.client().set("group.id", &kafka.group).create().unwrap();
        let mut positions = Vec::new();
        for topic in kafka.topics.names() {
            let metadata = client.fetch_metadata(Some(topic), TIMEOUT).unwrap();
            for partition in metadata.topics()[0].partitions() {
                let mut asked = TopicPartitionList::new();
                asked.add_partition(topic, partition.id());
                let committed = client.committed_offsets(asked, TIMEOUT).unwrap();
                let committed = match committed.elements()[0].offset() {
                    Offset::Offset(offset) => Some(offset),
                    _ => None,
                };
                let (_, end) = client.fetch_watermarks(topic, partition.id(), TIMEOUT).unwrap();
                positions.push(Position { topic: topic.to_owned(), partition: partition.id(), committed, end });
            }
        }
        positions
    }

    /// The committed offset of partition 0 of a table's topic.
    pub(crate) fn committed(&self, table: &str) -> Option<i64> {
        let topic = format!("{}.public.{table}", self.name);
        let positions = self.positions();
        positions.into_iter().find(|one| one.topic == topic && one.partition == 0).and_then(|found| found.committed)
    }

    /// Waits until every record is indexed and its offset committed.
    pub(crate) async fn no_lag(&self) {
        eventually("no lag", async || self.positions().iter().all(|one| one.committed == Some(one.end)).then_some(()))
            .await;
    }

    /// Makes the records of partition 0 of a table's topic expire.
    pub(crate) async fn expire(&self, table: &str) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(&format!("{}.public.{table}", self.name), 0, Offset::End).unwrap();
        admin.delete_records(&offsets, &AdminOptions::new().operation_timeout(Some(TIMEOUT))).await.unwrap();
    }

    /// Reads a table's topic until a record's value is the wanted one, and returns it.
    pub(crate) async fn find_record(&self, table: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let group = format!("{}-reader", self.name);
        let consumer: StreamConsumer =
            self.client().set("group.id", group).set("auto.offset.reset", "earliest").create().unwrap();
        consumer.subscribe(&[&format!("{}.public.{table}", self.name)]).unwrap();
        let found = async {
            loop {
                let message = consumer.recv().await.unwrap();
                let Some(payload) = message.payload() else { continue };
                let value: Value = serde_json::from_slice(payload).unwrap();
                if wanted(&value) {
                    return value;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap()
    }
}
