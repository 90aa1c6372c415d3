//! The change feed: from Kafka's records to documents in the index.

mod batch;
mod consumer;
mod envelope;
mod indexer;
mod metrics;
mod positions;
mod status;
mod topics;

pub use batch::{Partition, Topics};
pub use indexer::Indexer;
pub use metrics::FeedMetrics;
pub use positions::{commit_where_missing, ends};
pub use status::{FeedState, FeedStatus, PartitionLag, Status};
pub use topics::ensure;

/// Where Kafka is and how the feed is read.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// `KAFKA_LISTENERS`: bootstrap servers.
    pub bootstrap_servers: String,
    /// The topics of the tables.
    pub topics: Topics,
    /// The consumer group: one per index, so that each index has its own place in the feed.
    pub group: String,
    /// Partitions of topics that have to be created.
    pub topic_partitions: i32,
    /// Copies of topics that have to be created.
    pub topic_replication_factor: i32,
    /// The most records taken at once.
    pub batch_records: usize,
    /// So many undecodable records in a row stop the feed.
    pub stop_after_undecodable: usize,
}
