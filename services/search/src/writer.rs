//! From rows to documents: read, make sure that the read is good for what is asked, write.

use std::collections::BTreeMap;

use crate::{
    documents::EventDocument,
    faults::Fault,
    feed::FeedMetrics,
    index::{BulkOutcome, Index, IndexOrigin, Write},
    rows::{Reading, Rows, Sight},
};

/// Events read and written at once.
pub const PAGE: usize = 500;

/// Brings events from the database into the index.
#[derive(Clone)]
pub struct Writer {
    pub(crate) rows: Rows,
    pub(crate) index: Index,
    metrics: FeedMetrics,
    /// The database that the index was filled from.
    origin: IndexOrigin,
    /// The newest timeline of that database that a read went to.
    newest_timeline: u32,
    /// Documents that the mapping did not take since this was last asked.
    refused: usize,
}

impl Writer {
    /// A writer into an index that was filled from a database.
    #[must_use]
    pub const fn new(rows: Rows, index: Index, origin: IndexOrigin, metrics: FeedMetrics) -> Self {
        let newest_timeline = origin.timeline;
        Self { rows, index, metrics, origin, newest_timeline, refused: 0 }
    }

    /// Indexes events as they are now. Every awaited transaction (with the WAL position of its change) is visible in
    /// the read.
    ///
    /// # Errors
    /// When a store does not answer, or a transaction is not visible yet. All of it may be repeated.
    pub async fn events(&mut self, ids: &[i64], awaited: &BTreeMap<u64, u64>) -> Result<(), Fault> {
        for ids in ids.chunks(PAGE) {
            let reading = self.rows.with_ids(ids).await?;
            if let Some(transaction) = not_visible(&reading.sight, awaited) {
                return Err(Fault::NotVisibleYet(transaction));
            }
            let writes: Vec<Write> =
                reading.events.iter().map(|(id, document)| write(*id, document.as_ref())).collect();
            self.write(&reading, &writes).await?;
        }
        Ok(())
    }

    /// Indexes all events of a venue as they are now.
    ///
    /// An event that joins the venue after its ids were listed has a record of its own, and whoever reads that sees the
    /// venue as it is: the location comes from the same statement as the event.
    ///
    /// # Errors
    /// As [`Writer::events`].
    pub async fn venue(&mut self, venue_id: i64, awaited: &BTreeMap<u64, u64>) -> Result<(), Fault> {
        let mut behind = i64::MIN;
        loop {
            let ids = self.rows.ids_of_venue(venue_id, behind, PAGE as i64).await?;
            self.events(&ids, awaited).await?;
            match ids.last() {
                Some(last) if ids.len() == PAGE => behind = *last,
                _ => return Ok(()),
            }
        }
    }

    /// Writes what a read asks for, once no crash of PostgreSQL can outdate the read's version.
    pub(crate) async fn write(&mut self, reading: &Reading, writes: &[Write]) -> Result<BulkOutcome, Fault> {
        self.check_origin(&reading.sight)?;
        if writes.is_empty() {
            return Ok(BulkOutcome::default());
        }
        self.rows.settle(&reading.sight).await?;
        let outcome = self.index.write(reading.sight.version()?, writes).await?;
        for (id, reason) in &outcome.refused {
            tracing::error!(id, reason, index = self.index.name(), "the mapping does not take this document");
        }
        self.refused += outcome.refused.len();
        self.metrics.writes("written", outcome.written);
        self.metrics.writes("removed", outcome.removed);
        self.metrics.writes("superseded", outcome.superseded);
        self.metrics.writes("refused", outcome.refused.len() as u64);
        Ok(outcome)
    }

    /// Documents that the mapping did not take since this was last asked.
    pub const fn take_refused(&mut self) -> usize {
        std::mem::replace(&mut self.refused, 0)
    }

    /// Whether the database failed over since the index was last compared with it. A failover may lose transactions,
    /// and what they did may be in the index.
    #[must_use]
    pub const fn database_failed_over(&self) -> bool {
        self.newest_timeline > self.origin.timeline
    }

    /// Notes that the index was compared with the newest timeline.
    pub const fn compared(&mut self) {
        self.origin.timeline = self.newest_timeline;
    }

    /// Versions of another database, or of an older life of this one, say nothing about the documents in the index.
    fn check_origin(&mut self, sight: &Sight) -> Result<(), Fault> {
        let database = IndexOrigin::from(sight.origin);
        let same = database.system_identifier == self.origin.system_identifier;
        if !same || database.timeline < self.origin.timeline {
            let describe = |origin: &IndexOrigin| format!("{} timeline {}", origin.system_identifier, origin.timeline);
            return Err(Fault::ForeignDatabase { index: describe(&self.origin), database: describe(&database) });
        }
        self.newest_timeline = self.newest_timeline.max(database.timeline);
        Ok(())
    }
}

/// What a row that is there, or is not, means for its document.
pub(crate) fn write(id: i64, document: Option<&EventDocument>) -> Write {
    document.map_or(Write::Remove(id), |document| Write::Put(Box::new(document.clone())))
}

/// A transaction whose changes are in the feed and not in the read: the feed may run ahead of visibility, as it does
/// while a commit waits for a synchronous standby. One beyond the end of the WAL is of a life of the database that was
/// lost, and never becomes visible.
fn not_visible(sight: &Sight, awaited: &BTreeMap<u64, u64>) -> Option<u64> {
    let mut awaited = awaited.iter();
    awaited.find(|(id, position)| !sight.snapshot.sees(**id) && sight.reached(**position)).map(|(id, _)| *id)
}
