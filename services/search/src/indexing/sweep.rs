//! The sweep: comparing the whole index with the whole table, in both directions. It writes documents that are missing
//! or differ, and removes documents whose rows do not exist.
//!
//! It fills a new index. It also finds changes that have no record: rows deleted before a snapshot, emptied tables, and
//! transactions lost in a failover. It runs beside the feed; versions keep the two from undoing each other's writes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    error::IndexingError,
    writer::{PAGE, Writer, write_for},
};
use crate::index::{EventDocument, Write};

/// The result of a sweep.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swept {
    /// The number of rows in the table.
    pub(crate) rows: u64,
    /// Documents that were missing or different.
    pub(crate) written: u64,
    /// Documents whose rows do not exist.
    pub(crate) removed: u64,
}

/// Makes the index equal to the table. It may be repeated after an error.
pub(crate) async fn sweep(writer: &mut Writer) -> Result<Swept, IndexingError> {
    // A search sees only what was written before the last refresh. Without this one, newer documents would be written
    // again.
    writer.index.refresh().await?;
    let mut swept = Swept::default();
    let mut after = i64::MIN;
    loop {
        let reading = writer.rows.after(after, PAGE as i64).await?;
        let is_last = reading.events.len() < PAGE;
        let through = reading.events.last().filter(|_| !is_last).map_or(i64::MAX, |(id, _)| *id);
        let indexed = documents(writer, after, through).await?;
        let rows = reading.events.iter().filter_map(|(id, row)| Some((*id, row.as_ref()?)));
        let writes = differences(rows, &indexed);
        let outcome = writer.write(&reading, &writes).await?;
        swept.rows += reading.events.len() as u64;
        swept.written += outcome.written;
        swept.removed += outcome.removed;
        if is_last {
            return Ok(swept);
        }
        after = through;
    }
}

/// All documents with `after < id ≤ through`.
async fn documents(writer: &Writer, mut after: i64, through: i64) -> Result<BTreeMap<i64, Value>, IndexingError> {
    let mut all = BTreeMap::new();
    loop {
        let page = writer.index.between(after, through, PAGE).await?;
        let count = page.len();
        all.extend(page);
        match all.last_key_value() {
            Some((last, _)) if count == PAGE => after = *last,
            _ => return Ok(all),
        }
    }
}

fn differences<'a>(rows: impl Iterator<Item = (i64, &'a EventDocument)>, indexed: &BTreeMap<i64, Value>) -> Vec<Write> {
    let rows: BTreeMap<i64, &EventDocument> = rows.collect();
    let missing_or_other = rows.iter().filter(|(id, row)| indexed.get(id) != Some(&json!(row)));
    let gone = indexed.keys().filter(|id| !rows.contains_key(id));
    missing_or_other.map(|(id, row)| write_for(*id, Some(row))).chain(gone.map(|id| Write::Remove(*id))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_different_documents_are_written_and_those_without_a_row_removed() {
        let rows =
            [EventDocument::named(1, "same"), EventDocument::named(2, "new name"), EventDocument::named(3, "missing")];
        let indexed = BTreeMap::from([
            (1, json!(EventDocument::named(1, "same"))),
            (2, json!(EventDocument::named(2, "old name"))),
            (4, json!(EventDocument::named(4, "gone"))),
        ]);
        let writes = differences(rows.iter().map(|row| (row.id, row)), &indexed);
        let expected = [write_for(2, Some(&rows[1])), write_for(3, Some(&rows[2])), Write::Remove(4)];
        assert_eq!(writes, expected);
    }
}
