//! `search prepare-index`: makes the index of this release exist and hold all events, before the release is rolled out.

use serde::Serialize;

use crate::{
    faults::Fault,
    feed::{self, FeedMetrics, KafkaSettings},
    index::{Definition, Index, IndexError, IndexOrigin, IndexState},
    rows::{Origin, Rows},
    sweep::sweep,
    writer::Writer,
};

/// What was prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prepared {
    /// The index' name.
    pub index: String,
    /// Events in it.
    pub documents: u64,
}

/// Makes the index exist, filled, with a place in the feed from which its readers go on. Repeating it is harmless.
///
/// The feed's ends are taken **before** the rows are read: whatever changes after that is read from the feed, and what
/// is read twice is written twice with the right version.
///
/// # Errors
/// When a store does not answer, or the definition does not fit.
pub async fn prepare(
    rows: &Rows,
    index: &Index,
    definition: &Definition,
    kafka: &KafkaSettings,
    metrics: FeedMetrics,
) -> Result<Prepared, Fault> {
    let origin = rows.origin().await?;
    feed::ensure(kafka).await?;
    let ends = feed::ends(kafka).await?;
    create(index, definition, origin).await?;
    let mut writer = Writer::new(rows.clone(), index.clone(), origin.into(), metrics);
    let swept = sweep(&mut writer).await?;
    if writer.take_refused() > 0 {
        return Err(Fault::DocumentsRefused);
    }
    let partitions = feed::commit_where_missing(kafka, ends).await?;
    index.mark_filled(origin).await?;
    index.refresh().await?;
    tracing::info!(
        index = index.name(),
        rows = swept.rows,
        written = swept.written,
        removed = swept.removed,
        partitions_positioned = partitions,
        "index prepared"
    );
    Ok(Prepared { index: index.name().to_owned(), documents: swept.rows })
}

/// An index of another database, or of a later life of this one, cannot be brought up to date: its documents' versions
/// outrank every read.
async fn create(index: &Index, definition: &Definition, origin: Origin) -> Result<(), Fault> {
    let here = IndexOrigin::from(origin);
    match index.origin().await {
        Ok(Some(known)) if known.system_identifier != here.system_identifier || known.timeline > here.timeline => {
            tracing::warn!(index = index.name(), ?known, ?here, "the index is of another database: it is made anew");
            index.delete().await?;
        }
        Ok(_) | Err(IndexError::Missing(_)) => {}
        Err(error) => return Err(error.into()),
    }
    index.create(definition).await?;
    if !matches!(index.state().await?, IndexState::Filled(_)) {
        index.mark_origin(origin).await?;
    }
    Ok(())
}
