//! Decoding a record of the change feed: which row changed, how, and in which transaction.
//!
//! Only the column `id` is used. All other columns are read from PostgreSQL again, because a record may be older than
//! the row, lacks large columns that did not change (`__debezium_unavailable_value`), and has no columns of the venue.

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// What happened to a row. The letters are Debezium's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// `c`: inserted.
    Created,
    /// `u`: updated.
    Updated,
    /// `d`: deleted.
    Deleted,
    /// `r`: read by a snapshot. It counts as created.
    Read,
    /// `t`: the whole table was emptied.
    Truncated,
    /// `m`: a message in the WAL. It belongs to no row.
    Message,
    /// A record without a value. It follows a delete, and after log compaction it may be all that is left of the
    /// delete.
    Tombstone,
}

impl Operation {
    /// The label in metrics.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) operation: Operation,
    /// The row's primary key. Absent when the record is about no single row.
    pub(crate) id: Option<i64>,
    /// The transaction that a read must see before the read covers this change. Absent for snapshot records: every read
    /// after the snapshot sees what the snapshot saw.
    pub(crate) transaction: Option<AwaitedTransaction>,
    /// When the change was made, in milliseconds since 1970.
    pub(crate) changed_at_ms: Option<i64>,
    /// Whether the record is the last of a table's snapshot. Rows that were deleted before a snapshot have no record.
    pub(crate) ends_snapshot: bool,
}

/// A transaction and the place of its change in the WAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AwaitedTransaction {
    /// The transaction's number, as logical decoding writes it.
    pub(crate) id: u64,
    /// The WAL position of the change; 0 when the record has none.
    pub(crate) wal_position: u64,
}

/// A record that cannot be decoded.
#[derive(Debug, Error)]
pub(crate) enum DecodeError {
    #[error("not a change record: {0}")]
    Json(#[from] serde_json::Error),
    #[error("unknown operation {0:?}")]
    UnknownOperation(String),
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
pub(crate) fn decode(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Change, DecodeError> {
    let key_id = key.map(serde_json::from_slice).transpose()?.map(payload).as_ref().and_then(id_of);
    let Some(value) = value.filter(|value| !value.is_empty() && *value != b"null") else {
        return Ok(tombstone(key_id.ok_or(DecodeError::NoId)?));
    };
    let envelope: Envelope = serde_json::from_value(payload(serde_json::from_slice(value)?))?;
    let operation = operation(&envelope.op)?;
    let id = key_id.or_else(|| envelope.after.as_ref().or(envelope.before.as_ref()).and_then(id_of));
    let concerns_a_row = !matches!(operation, Operation::Truncated | Operation::Message);
    if concerns_a_row && id.is_none() {
        return Err(DecodeError::NoId);
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

fn operation(name: &str) -> Result<Operation, DecodeError> {
    Ok(match name {
        "c" => Operation::Created,
        "u" => Operation::Updated,
        "d" => Operation::Deleted,
        "r" => Operation::Read,
        "t" => Operation::Truncated,
        "m" => Operation::Message,
        _ => return Err(DecodeError::UnknownOperation(name.to_owned())),
    })
}

/// Unwraps a value that a converter with schemas wrote.
fn payload(mut value: Value) -> Value {
    match value.as_object_mut() {
        Some(object) if object.contains_key("schema") && object.contains_key("payload") => object["payload"].take(),
        _ => value,
    }
}

fn id_of(row: &Value) -> Option<i64> {
    row.get("id")?.as_i64()
}

/// The last record of each table ends a snapshot. The marker of the very last record is not enough: it is missing when
/// the last table is empty. Incremental snapshots do not count: they run beside the stream, so rows that are deleted
/// meanwhile have records.
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

    fn decoded(value: &Value) -> Result<Change, DecodeError> {
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
    fn a_record_without_a_value_is_a_tombstone_of_its_key() {
        for value in [None, Some(&b""[..]), Some(&b"null"[..])] {
            let change = decode(Some(KEY), value).unwrap();
            assert_eq!((change.operation, change.id), (Operation::Tombstone, Some(7)));
        }
        assert!(matches!(decode(None, None), Err(DecodeError::NoId)));
    }

    #[test]
    fn records_with_schemas_are_read_like_those_without() {
        let key = json!({"schema": {}, "payload": {"id": 7}}).to_string();
        let value = json!({"schema": {}, "payload": record("u", "false")}).to_string();
        let change = decode(Some(key.as_bytes()), Some(value.as_bytes())).unwrap();
        assert_eq!((change.operation, change.id), (Operation::Updated, Some(7)));
    }

    #[test]
    fn a_record_without_a_key_has_its_id_in_the_row() {
        let change = decode(None, Some(record("d", "false").to_string().as_bytes())).unwrap();
        assert_eq!(change.id, Some(7));
    }

    #[test]
    fn an_emptied_table_and_a_message_have_no_id() {
        for (op, operation) in [("t", Operation::Truncated), ("m", Operation::Message)] {
            let value = json!({"op": op, "source": {"txId": 812, "lsn": 1}});
            let change = decode(None, Some(value.to_string().as_bytes())).unwrap();
            assert_eq!((change.operation, change.id), (operation, None));
        }
    }

    #[test]
    fn other_records_are_refused() {
        assert!(matches!(decoded(&record("x", "false")), Err(DecodeError::UnknownOperation(op)) if op == "x"));
        assert!(matches!(decoded(&json!({"after": {"id": 1}})), Err(DecodeError::Json(_))));
        assert!(matches!(decoded(&json!([1, 2])), Err(DecodeError::Json(_))));
        assert!(matches!(decode(Some(b"\xff"), None), Err(DecodeError::Json(_))));
        let without_id = json!({"op": "u", "after": {"id": "__debezium_unavailable_value"}}).to_string();
        assert!(matches!(decode(None, Some(without_id.as_bytes())), Err(DecodeError::NoId)));
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
