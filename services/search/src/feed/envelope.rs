//! What a record of the change feed says: which row changed, how, in which transaction.
//!
//! The columns in a record are not used, since rows are read again: a record may be older than the row, lacks large
//! columns that did not change (`__debezium_unavailable_value`) and knows nothing of the venue. So nothing here looks
//! at any column but `id`.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// `c`: inserted.
    Created,
    /// `u`: updated.
    Updated,
    /// `d`: deleted.
    Deleted,
    /// `r`: read by a snapshot; counts as created.
    Read,
    /// `t`: the whole table was emptied.
    Truncated,
    /// `m`: a message in the WAL that belongs to no row.
    Message,
    /// No value: follows a delete, for log compaction. After compaction it may be all that is left of the delete.
    Tombstone,
}

impl Operation {
    /// The name in metrics.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Read => "read",
            Self::Truncated => "truncated",
            Self::Message => "message",
            Self::Tombstone => "tombstone",
        }
    }
}

/// One decoded record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    /// What happened.
    pub operation: Operation,
    /// Primary key of the row; absent where no single row is meant.
    pub id: Option<i64>,
    /// The transaction that a read must see before it may stand for this change. Absent for snapshot records: the
    /// snapshot saw what it read, so every later read does.
    pub transaction: Option<AwaitedTransaction>,
    /// When the change was made, in milliseconds since 1970.
    pub changed_at_ms: Option<i64>,
    /// Whether the record is the last of a table's snapshot: rows deleted before it had no record of their own.
    pub ends_snapshot: bool,
}

/// A transaction and where in the WAL it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AwaitedTransaction {
    /// Its number, as logical decoding names it.
    pub id: u64,
    /// The WAL position of the change; 0 when the record does not say.
    pub wal_position: u64,
}

/// A record that cannot be decoded.
#[derive(Debug, Error)]
pub(crate) enum Undecodable {
    /// Key or value is not JSON of the expected form.
    #[error("not a change record: {0}")]
    Json(#[from] serde_json::Error),
    /// An operation that this program does not know.
    #[error("unknown operation {0:?}")]
    UnknownOperation(String),
    /// No primary key in key, `after` or `before`.
    #[error("no integer `id` in key or value")]
    NoId,
}

#[derive(Deserialize)]
struct Envelope {
    op: String,
    #[serde(default)]
    before: Option<Value>,
    #[serde(default)]
    after: Option<Value>,
    #[serde(default)]
    source: Option<Source>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default, rename = "txId")]
    transaction: Option<u64>,
    #[serde(default)]
    lsn: Option<u64>,
    #[serde(default)]
    ts_ms: Option<i64>,
    #[serde(default)]
    snapshot: Option<Value>,
}

/// Decodes a record of a table's topic.
///
/// # Errors
/// When the record is no change record, or its operation is unknown.
pub(crate) fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Change, Undecodable> {
    let key_id = key.map(serde_json::from_slice).transpose()?.map(payload).as_ref().and_then(id_of);
    let Some(value) = value.filter(|value| !value.is_empty() && *value != b"null") else {
        return Ok(tombstone(key_id.ok_or(Undecodable::NoId)?));
    };
    let envelope: Envelope = serde_json::from_value(payload(serde_json::from_slice(value)?))?;
    let operation = operation(&envelope.op)?;
    let id = key_id.or_else(|| envelope.after.as_ref().or(envelope.before.as_ref()).and_then(id_of));
    let concerns_a_row = !matches!(operation, Operation::Truncated | Operation::Message);
    if concerns_a_row && id.is_none() {
        return Err(Undecodable::NoId);
    }
    let source = envelope.source;
    let transaction = source
        .as_ref()
        .filter(|_| operation != Operation::Read)
        .and_then(|source| Some(AwaitedTransaction { id: source.transaction?, wal_position: source.lsn.unwrap_or(0) }));
    Ok(Change {
        operation,
        id: id.filter(|_| concerns_a_row),
        transaction,
        changed_at_ms: source.as_ref().and_then(|source| source.ts_ms),
        ends_snapshot: source.is_some_and(|source| ends_snapshot(source.snapshot.as_ref())),
    })
}

const fn tombstone(id: i64) -> Change {
    Change {
        operation: Operation::Tombstone,
        id: Some(id),
        transaction: None,
        changed_at_ms: None,
        ends_snapshot: false,
    }
}

fn operation(name: &str) -> Result<Operation, Undecodable> {
    Ok(match name {
        "c" => Operation::Created,
        "u" => Operation::Updated,
        "d" => Operation::Deleted,
        "r" => Operation::Read,
        "t" => Operation::Truncated,
        "m" => Operation::Message,
        _ => return Err(Undecodable::UnknownOperation(name.to_owned())),
    })
}

/// Converters with schemas wrap what they write.
fn payload(mut value: Value) -> Value {
    match value.as_object_mut() {
        Some(object) if object.contains_key("schema") && object.contains_key("payload") => object["payload"].take(),
        _ => value,
    }
}

fn id_of(row: &Value) -> Option<i64> {
    row.get("id")?.as_i64()
}

/// The last record of each table counts: when the last table is empty, nothing is marked as the very last.
/// Incremental snapshots end nothing: they run beside the stream, and rows deleted meanwhile have their records.
fn ends_snapshot(marker: Option<&Value>) -> bool {
    marker.and_then(Value::as_str).is_some_and(|marker| matches!(marker, "last" | "last_in_data_collection"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const KEY: &[u8] = br#"{"id":7}"#;

    fn decoded(value: &Value) -> Result<Change, Undecodable> {
        decode(Some(KEY), Some(value.to_string().as_bytes()))
    }

    fn record(op: &str, snapshot: &str) -> Value {
        let row = json!({"id": 7, "location": "Freiburg", "seat_map": "__debezium_unavailable_value"});
        let (before, after) = if op == "d" { (row, Value::Null) } else { (Value::Null, row) };
        json!({"op": op, "before": before, "after": after, "ts_ms": 9, "source":
            {"txId": 812, "lsn": 26_000_000, "ts_ms": 1_700_000_000_000_i64, "snapshot": snapshot, "table": "venues"}})
    }

    #[rstest]
    #[case("c", Operation::Created)]
    #[case("u", Operation::Updated)]
    #[case("d", Operation::Deleted)]
    fn a_change_names_its_row_its_transaction_and_its_time(#[case] op: &str, #[case] operation: Operation) {
        let change = decoded(&record(op, "false")).unwrap();
        let transaction = Some(AwaitedTransaction { id: 812, wal_position: 26_000_000 });
        let changed_at_ms = Some(1_700_000_000_000);
        assert_eq!(change, Change { operation, id: Some(7), transaction, changed_at_ms, ends_snapshot: false });
    }

    #[rstest]
    #[case("true", false)]
    #[case("first", false)]
    #[case("last_in_data_collection", true)]
    #[case("last", true)]
    fn a_snapshot_record_waits_for_no_transaction(#[case] marker: &str, #[case] ends_snapshot: bool) {
        let change = decoded(&record("r", marker)).unwrap();
        assert_eq!((change.operation, change.transaction), (Operation::Read, None));
        assert_eq!(change.ends_snapshot, ends_snapshot);
    }

    #[test]
    fn no_value_is_a_tombstone_of_the_key() {
        for value in [None, Some(&b""[..]), Some(&b"null"[..])] {
            let change = decode(Some(KEY), value).unwrap();
            assert_eq!((change.operation, change.id), (Operation::Tombstone, Some(7)));
        }
        assert!(matches!(decode(None, None), Err(Undecodable::NoId)));
    }

    #[test]
    fn records_with_schemas_are_read_like_those_without() {
        let key = json!({"schema": {}, "payload": {"id": 7}}).to_string();
        let value = json!({"schema": {}, "payload": record("u", "false")}).to_string();
        let change = decode(Some(key.as_bytes()), Some(value.as_bytes())).unwrap();
        assert_eq!((change.operation, change.id), (Operation::Updated, Some(7)));
    }

    #[test]
    fn without_a_key_the_row_itself_says_which_it_is() {
        let change = decode(None, Some(record("d", "false").to_string().as_bytes())).unwrap();
        assert_eq!(change.id, Some(7));
    }

    #[test]
    fn an_emptied_table_and_a_message_mean_no_single_row() {
        for (op, operation) in [("t", Operation::Truncated), ("m", Operation::Message)] {
            let value = json!({"op": op, "source": {"txId": 812, "lsn": 1}});
            let change = decode(None, Some(value.to_string().as_bytes())).unwrap();
            assert_eq!((change.operation, change.id), (operation, None));
        }
    }

    #[test]
    fn what_is_no_change_record_is_refused() {
        assert!(matches!(decoded(&record("x", "false")), Err(Undecodable::UnknownOperation(op)) if op == "x"));
        assert!(matches!(decoded(&json!({"after": {"id": 1}})), Err(Undecodable::Json(_))));
        assert!(matches!(decoded(&json!([1, 2])), Err(Undecodable::Json(_))));
        assert!(matches!(decode(Some(b"\xff"), None), Err(Undecodable::Json(_))));
        let without_id = json!({"op": "u", "after": {"id": "__debezium_unavailable_value"}}).to_string();
        assert!(matches!(decode(None, Some(without_id.as_bytes())), Err(Undecodable::NoId)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(key in prop::option::of(any::<Vec<u8>>()), value in prop::option::of(any::<Vec<u8>>())) {
            let _ = decode(key.as_deref(), value.as_deref());
        }

        #[test]
        fn every_id_survives(id in any::<i64>()) {
            let key = json!({"id": id}).to_string();
            prop_assert_eq!(decode(Some(key.as_bytes()), None).unwrap().id, Some(id));
        }
    }
}
