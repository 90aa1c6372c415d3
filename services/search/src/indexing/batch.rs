//! Several records taken together: which rows to read again, and which offsets to store afterwards.

use std::collections::{BTreeMap, BTreeSet};

use crate::feed::{
    AwaitedTransaction, Change, DecodeError, FeedMetrics, Offsets, Operation, Partition, Record, Topics, decode,
};

/// The work that some records ask for.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Events to read again.
    pub(crate) events: BTreeSet<i64>,
    /// Venues whose events are to be read again.
    pub(crate) venues: BTreeSet<i64>,
    /// Transactions that the reads must see, each with the WAL position of its change.
    pub(crate) awaited: BTreeMap<u64, u64>,
    /// Whether rows may be gone without a record: a snapshot ended, or a table was emptied.
    pub(crate) needs_sweep: bool,
    /// The time of the newest change.
    pub(crate) changed_at_ms: Option<i64>,
    /// The offsets to store once the batch is done.
    pub(crate) next_offsets: Offsets,
    /// The partition in which too many records in a row could not be decoded.
    pub(crate) stopped_by: Option<Partition>,
}

impl Batch {
    fn add(&mut self, change: &Change, of_events: bool) {
        match (change.operation, change.id) {
            (Operation::Message, _) => return,
            (Operation::Truncated, _) => self.needs_sweep = true,
            (_, Some(id)) if of_events => _ = self.events.insert(id),
            (_, Some(id)) => _ = self.venues.insert(id),
            (_, None) => {}
        }
        if let Some(AwaitedTransaction { id, wal_position }) = change.transaction {
            let known = self.awaited.entry(id).or_default();
            *known = wal_position.max(*known);
        }
        self.needs_sweep |= change.ends_snapshot;
        self.changed_at_ms = self.changed_at_ms.max(change.changed_at_ms);
    }
}

/// Makes batches of records, and counts how many in a row could not be decoded.
#[derive(Debug)]
pub(crate) struct Batcher {
    topics: Topics,
    /// The feed stops after this many undecodable records in a row.
    stop_after: usize,
    /// For each partition, the number of undecodable records since the last good one.
    undecodable_in_a_row: BTreeMap<Partition, usize>,
    metrics: FeedMetrics,
}

impl Batcher {
    pub(crate) fn new(topics: Topics, stop_after: usize, metrics: FeedMetrics) -> Self {
        Self { topics, stop_after, undecodable_in_a_row: BTreeMap::new(), metrics }
    }

    /// Makes one batch of records, in the order in which they came.
    ///
    /// A partition's offset never moves past an undecodable record until a good one follows. So after a restart the
    /// feed reads the same records again, and a feed that stopped stops again.
    pub(crate) fn batch(&mut self, records: &[Record]) -> Batch {
        let mut batch = Batch::default();
        for record in records {
            let of_events = record.partition.topic == self.topics.events;
            match decode(record.key.as_deref(), record.value.as_deref()) {
                Ok(change) => {
                    self.metrics.count_record(if of_events { "events" } else { "venues" }, change.operation.name());
                    self.undecodable_in_a_row.remove(&record.partition);
                    batch.add(&change, of_events);
                    batch.next_offsets.insert(record.partition.clone(), record.offset + 1);
                }
                Err(problem) => {
                    let in_a_row = self.count_undecodable(record, &problem);
                    if in_a_row >= self.stop_after {
                        batch.stopped_by = Some(record.partition.clone());
                        break;
                    }
                }
            }
        }
        batch
    }

    /// Returns the number of undecodable records in a row.
    fn count_undecodable(&mut self, record: &Record, problem: &DecodeError) -> usize {
        let Partition { topic, number } = &record.partition;
        let count = self.undecodable_in_a_row.entry(record.partition.clone()).or_default();
        *count += 1;
        let (offset, in_a_row) = (record.offset, *count);
        tracing::error!(topic, partition = number, offset, in_a_row, %problem, "undecodable record");
        self.metrics.count_undecodable(topic);
        in_a_row
    }
}

#[cfg(test)]
mod tests {
    use kit::metrics::Metrics;
    use serde_json::{Value, json};

    use super::*;

    fn batcher() -> Batcher {
        Batcher::new(Topics::under("pg"), 3, FeedMetrics::register(&Metrics::new().unwrap()).unwrap())
    }

    fn at(topic: &str, number: i32) -> Partition {
        Partition { topic: topic.to_owned(), number }
    }

    fn record(topic: &str, offset: i64, id: i64, value: Value) -> Record {
        let value = (!value.is_null()).then(|| value.to_string().into_bytes());
        Record { partition: at(topic, 0), offset, key: Some(json!({"id": id}).to_string().into_bytes()), value }
    }

    fn change(op: &str, transaction: u64) -> Value {
        json!({"op": op, "after": {}, "source": {"txId": transaction, "lsn": transaction * 10, "ts_ms": transaction}})
    }

    fn broken(offset: i64) -> Record {
        Record { value: Some(b"{".to_vec()), ..record("pg.public.events", offset, 1, Value::Null) }
    }

    #[test]
    fn records_of_one_row_are_one_read() {
        let batch = batcher().batch(&[
            record("pg.public.events", 4, 1, change("c", 700)),
            record("pg.public.venues", 9, 2, change("u", 701)),
            record("pg.public.events", 5, 1, change("d", 702)),
            record("pg.public.events", 6, 1, Value::Null),
        ]);
        assert_eq!((batch.events, batch.venues), (BTreeSet::from([1]), BTreeSet::from([2])));
        assert_eq!(batch.awaited, BTreeMap::from([(700, 7000), (701, 7010), (702, 7020)]));
        assert_eq!(batch.changed_at_ms, Some(702));
        let expected = [(at("pg.public.events", 0), 7), (at("pg.public.venues", 0), 10)];
        assert_eq!(batch.next_offsets, BTreeMap::from(expected));
        assert!(!batch.needs_sweep);
    }

    #[test]
    fn the_end_of_a_snapshot_and_an_emptied_table_ask_for_a_sweep() {
        let last = json!({"op": "r", "after": {}, "source": {"snapshot": "last"}});
        assert!(batcher().batch(&[record("pg.public.venues", 0, 1, last)]).needs_sweep);
        assert!(batcher().batch(&[record("pg.public.events", 0, 1, change("t", 1))]).needs_sweep);
    }

    #[test]
    fn an_undecodable_record_is_passed_over_once_a_good_one_follows() {
        let mut batcher = batcher();
        let batch = batcher.batch(&[record("pg.public.events", 0, 1, change("c", 1)), broken(1)]);
        assert_eq!(batch.next_offsets, BTreeMap::from([(at("pg.public.events", 0), 1)]));
        let batch = batcher.batch(&[broken(2), record("pg.public.events", 3, 1, change("u", 2)), broken(4), broken(5)]);
        assert_eq!(batch.next_offsets, BTreeMap::from([(at("pg.public.events", 0), 4)]));
        assert_eq!(batch.stopped_by, None, "the good record ended the run");
    }

    #[test]
    fn several_undecodable_records_in_a_row_stop_the_feed_before_they_are_passed_over() {
        let mut batcher = batcher();
        let good = record("pg.public.events", 0, 1, change("c", 1));
        let after = record("pg.public.events", 4, 9, change("c", 2));
        let batch = batcher.batch(&[good, broken(1), broken(2), broken(3), after]);
        assert_eq!(batch.stopped_by, Some(at("pg.public.events", 0)));
        assert_eq!(batch.next_offsets, BTreeMap::from([(at("pg.public.events", 0), 1)]));
        assert_eq!(batch.events, BTreeSet::from([1]), "the good records before them are still indexed");
    }
}
