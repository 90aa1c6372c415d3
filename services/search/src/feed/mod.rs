//! The change feed in Kafka: its topics, the records in them, and the consumer that reads them.

mod consumer;
mod envelope;
mod error;
mod metrics;
mod partitions;
mod positions;
mod settings;
mod status;
mod topics;

pub(crate) use consumer::{FeedConsumer, FeedContext, Record, receive, store_offsets, subscribe};
pub(crate) use envelope::{AwaitedTransaction, Change, DecodeError, Operation, decode};
pub(crate) use error::FeedError;
pub(crate) use metrics::FeedMetrics;
pub(crate) use partitions::{Offsets, Partition, Topics};
pub(crate) use positions::{commit, commit_where_missing, end_offsets, end_offsets_of_lost};
pub(crate) use settings::KafkaSettings;
pub(crate) use status::{FeedState, FeedStatus, SharedStatus};
pub(crate) use topics::create_missing_topics;
