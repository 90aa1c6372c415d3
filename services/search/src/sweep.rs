//! Comparing the whole index with the whole table, both ways: documents that are missing or differ are written, those
//! whose rows are gone are removed.
//!
//! It fills a new index, and finds what no record tells: rows deleted before a snapshot, tables emptied, transactions
//! lost in a failover. It runs beside the feed; versions keep the two from undoing each other.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    documents::EventDocument,
    faults::Fault,
    index::Write,
    writer::{PAGE, Writer, write},
};

/// What a sweep found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Rows in the table.
    pub rows: u64,
    /// Documents that were missing or different.
    pub written: u64,
    /// Documents whose rows were gone.
    pub removed: u64,
}

/// Makes the index equal to the table.
///
/// # Errors
/// When a store does not answer. All of it may be repeated.
pub async fn sweep(writer: &mut Writer) -> Result<Swept, Fault> {
    // Searches see what was written before the last refresh; what they do not see would be written once more.
    writer.index.refresh().await?;
    let mut swept = Swept::default();
    let mut behind = i64::MIN;
    loop {
        let reading = writer.rows.behind(behind, PAGE as i64).await?;
        let is_last = reading.events.len() < PAGE;
        let through = reading.events.last().filter(|_| !is_last).map_or(i64::MAX, |(id, _)| *id);
        let indexed = documents(writer, behind, through).await?;
        let rows = reading.events.iter().filter_map(|(id, row)| Some((*id, row.as_ref()?)));
        let writes = differences(rows, &indexed);
        let outcome = writer.write(&reading, &writes).await?;
        swept.rows += reading.events.len() as u64;
        swept.written += outcome.written;
        swept.removed += outcome.removed;
        if is_last {
            return Ok(swept);
        }
        behind = through;
    }
}

/// All documents with `behind < id ≤ through`.
async fn documents(writer: &Writer, mut behind: i64, through: i64) -> Result<BTreeMap<i64, Value>, Fault> {
    let mut all = BTreeMap::new();
    loop {
        let page = writer.index.between(behind, through, PAGE).await?;
        let count = page.len();
        all.extend(page);
        match all.last_key_value() {
            Some((last, _)) if count == PAGE => behind = *last,
            _ => return Ok(all),
        }
    }
}

fn differences<'a>(rows: impl Iterator<Item = (i64, &'a EventDocument)>, indexed: &BTreeMap<i64, Value>) -> Vec<Write> {
    let rows: BTreeMap<i64, &EventDocument> = rows.collect();
    let missing_or_other = rows.iter().filter(|(id, row)| indexed.get(id) != Some(&json!(row)));
    let gone = indexed.keys().filter(|id| !rows.contains_key(id));
    missing_or_other.map(|(id, row)| write(*id, Some(row))).chain(gone.map(|id| Write::Remove(*id))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, name: &str) -> EventDocument {
        EventDocument {
            id,
            uuid: format!("uuid-{id}"),
            name: name.to_owned(),
            description: None,
            date: None,
            location: None,
            venue_id: None,
        }
    }

    #[test]
    fn what_is_missing_or_differs_is_written_and_what_is_gone_is_removed() {
        let rows = [row(1, "same"), row(2, "new name"), row(3, "missing")];
        let indexed =
            BTreeMap::from([(1, json!(row(1, "same"))), (2, json!(row(2, "old name"))), (4, json!(row(4, "gone")))]);
        let writes = differences(rows.iter().map(|row| (row.id, row)), &indexed);
        let expected = [write(2, Some(&rows[1])), write(3, Some(&rows[2])), Write::Remove(4)];
        assert_eq!(writes, expected);
    }
}
