//! From rows to documents: read the rows, check that the read saw enough, write the documents.

use std::collections::BTreeMap;

use super::{
    error::IndexingError,
    metrics::IndexingMetrics,
    rows::{DatabaseState, Reading, Rows},
};
use crate::index::{BulkOutcome, EventDocument, Index, Origin, Write};

/// The number of events that are read and written at once.
pub(crate) const PAGE: usize = 500;

/// Brings events from the database into the index.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) rows: Rows,
    pub(crate) index: Index,
    metrics: IndexingMetrics,
    /// The database that the index was filled from.
    origin: Origin,
    /// The newest timeline of that database that a read saw.
    newest_timeline: u32,
    /// The number of documents that did not fit the mapping since [`Writer::take_refused`].
    refused: usize,
}

impl Writer {
    /// A writer into an index that was, or is now, filled from the database `origin`.
    pub(crate) const fn new(rows: Rows, index: Index, origin: Origin, metrics: IndexingMetrics) -> Self {
        let newest_timeline = origin.timeline;
        Self { rows, index, metrics, origin, newest_timeline, refused: 0 }
    }

    /// Indexes events as they are now. The read must see every awaited transaction; each comes with the WAL position of
    /// its change.
    ///
    /// # Errors
    /// When a store fails, or an awaited transaction is not visible yet. The whole call may be repeated.
    pub(crate) async fn index_events(
        &mut self,
        ids: &[i64],
        awaited: &BTreeMap<u64, u64>,
    ) -> Result<(), IndexingError> {
        for ids in ids.chunks(PAGE) {
            let reading = self.rows.with_ids(ids).await?;
            if let Some(transaction) = first_invisible(&reading.state, awaited) {
                return Err(IndexingError::NotVisibleYet(transaction));
            }
            let writes: Vec<Write> =
                reading.events.iter().map(|(id, document)| write_for(*id, document.as_ref())).collect();
            self.write(&reading, &writes).await?;
        }
        Ok(())
    }

    /// Indexes all events of a venue as they are now.
    ///
    /// An event may join the venue after the ids were listed. It then has a record of its own, and the read for that
    /// record sees the venue's current location, because event and location come from one statement.
    ///
    /// # Errors
    /// The same as [`Writer::index_events`].
    pub(crate) async fn index_venue(
        &mut self,
        venue_id: i64,
        awaited: &BTreeMap<u64, u64>,
    ) -> Result<(), IndexingError> {
        let mut after = i64::MIN;
        loop {
            let ids = self.rows.ids_of_venue(venue_id, after, PAGE as i64).await?;
            self.index_events(&ids, awaited).await?;
            match ids.last() {
                Some(last) if ids.len() == PAGE => after = *last,
                _ => return Ok(()),
            }
        }
    }

    /// Writes documents with the version of a read. It first waits until no crash of PostgreSQL can make later versions
    /// smaller.
    pub(crate) async fn write(&mut self, reading: &Reading, writes: &[Write]) -> Result<BulkOutcome, IndexingError> {
        self.check_origin(&reading.state)?;
        if writes.is_empty() {
            return Ok(BulkOutcome::default());
        }
        self.rows.wait_until_flushed(&reading.state).await?;
        let outcome = self.index.write(reading.state.version()?, writes).await?;
        for (id, reason) in &outcome.refused {
            tracing::error!(id, reason, index = self.index.name(), "the document does not fit the mapping");
        }
        self.refused += outcome.refused.len();
        self.metrics.count_writes(&outcome);
        Ok(outcome)
    }

    /// Returns the number of documents that did not fit the mapping since the last call.
    pub(crate) const fn take_refused(&mut self) -> usize {
        std::mem::replace(&mut self.refused, 0)
    }

    /// Whether the database failed over since the index was last compared with it. A failover may lose transactions
    /// whose changes are in the index.
    pub(crate) const fn database_failed_over(&self) -> bool {
        self.newest_timeline > self.origin.timeline
    }

    /// Notes that the index was compared with the newest timeline.
    pub(crate) const fn set_compared(&mut self) {
        self.origin.timeline = self.newest_timeline;
    }

    /// Checks that the read's version can be compared with those in the index. Versions of another database, or of an
    /// older timeline of this one, cannot.
    fn check_origin(&mut self, state: &DatabaseState) -> Result<(), IndexingError> {
        let database = state.origin;
        let same = database.system_identifier == self.origin.system_identifier;
        if !same || database.timeline < self.origin.timeline {
            return Err(IndexingError::ForeignDatabase { index: self.origin, database });
        }
        self.newest_timeline = self.newest_timeline.max(database.timeline);
        Ok(())
    }
}

/// The write that makes a document equal to its row. `None` stands for a row that does not exist.
pub(crate) fn write_for(id: i64, document: Option<&EventDocument>) -> Write {
    document.map_or(Write::Remove(id), |document| Write::Put(Box::new(document.clone())))
}

/// The first awaited transaction that the read does not see. The feed may be ahead of visibility, for example while a
/// commit waits for a synchronous standby. A transaction beyond the end of the WAL is not awaited: it was lost in a
/// failover and never becomes visible.
fn first_invisible(state: &DatabaseState, awaited: &BTreeMap<u64, u64>) -> Option<u64> {
    let mut awaited = awaited.iter();
    awaited.find(|(id, position)| !state.snapshot.sees(**id) && state.reaches(**position)).map(|(id, _)| *id)
}
