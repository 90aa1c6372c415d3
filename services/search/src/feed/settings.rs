//! Settings of the change feed.

use super::partitions::Topics;

/// Where Kafka is and how the feed is read.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// `KAFKA_LISTENERS`: bootstrap servers.
    pub bootstrap_servers: String,
    /// The topics of the tables.
    pub topics: Topics,
    /// The consumer group. Each index has a group of its own, and with it a place of its own in the feed.
    pub group: String,
    /// Partitions of the topics that `prepare-index` creates.
    pub topic_partitions: i32,
    /// Copies of the topics that `prepare-index` creates.
    pub topic_replication_factor: i32,
    /// The most records in one batch.
    pub batch_records: usize,
    /// The feed stops after this many undecodable records in a row.
    pub stop_after_undecodable: usize,
}
