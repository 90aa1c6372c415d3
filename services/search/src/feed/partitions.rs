//! The feed's topics and their partitions.

use std::collections::BTreeMap;

use rdkafka::{Offset, TopicPartitionList, error::KafkaResult};

/// The topics of the two tables.
#[derive(Debug, Clone)]
pub struct Topics {
    /// The topic of `public.events`.
    pub events: String,
    /// The topic of `public.venues`.
    pub venues: String,
}

impl Topics {
    /// The topics under a prefix, as Debezium names them.
    pub fn under(prefix: &str) -> Self {
        Self { events: format!("{prefix}.public.events"), venues: format!("{prefix}.public.venues") }
    }

    pub fn names(&self) -> [&str; 2] {
        [&self.events, &self.venues]
    }
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Partition {
    pub(crate) topic: String,
    pub(crate) number: i32,
}

pub(crate) type Offsets = BTreeMap<Partition, i64>;

/// The offsets in librdkafka's form.
pub(crate) fn list(offsets: &Offsets, to_offset: impl Fn(i64) -> Offset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (partition, offset) in offsets {
        list.add_partition_offset(&partition.topic, partition.number, to_offset(*offset))?;
    }
    Ok(list)
}
