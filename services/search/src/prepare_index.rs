//! The job `search prepare-index`. It creates and fills the index of this release before the release is rolled out.

use kit::metrics::Metrics;
use release::PreparedIndex;

use crate::{
    feed::{self, KafkaSettings},
    index::{Definition, Index, IndexError, IndexState, Origin},
    indexing::{IndexingError, IndexingMetrics, Rows, Writer, sweep},
    settings::IndexSettings,
};

/// Makes the index exist and hold all events, and gives its consumer group a position in the feed. It may be repeated.
///
/// The ends of the feed are taken **before** the rows are read, so every later change is read from the feed. A change
/// that is in both is written twice, with the right versions.
pub async fn prepare_index(
    rows: &Rows,
    settings: &IndexSettings,
    kafka: &KafkaSettings,
) -> Result<PreparedIndex, IndexingError> {
    let index = Index::new(&settings.elasticsearch, settings.name.clone())?;
    let origin = rows.origin().await?;
    feed::create_missing_topics(kafka).await?;
    let ends = feed::end_offsets(kafka).await?;
    create(&index, &settings.definition, origin).await?;
    // Nobody collects the metrics of a process that ends with its work.
    let metrics = IndexingMetrics::register(&Metrics::new()?)?;
    let mut writer = Writer::new(rows.clone(), index.clone(), origin, metrics);
    let swept = sweep(&mut writer).await?;
    if writer.take_refused() > 0 {
        return Err(IndexingError::DocumentsRefused);
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
    Ok(PreparedIndex { index: index.name().to_owned(), documents: swept.rows })
}

/// Creates the index unless it exists. An index that was filled from another database, or from a later timeline of this
/// one, is deleted first: the versions of its documents are larger than those of any read, so it could never be
/// updated.
async fn create(index: &Index, definition: &Definition, origin: Origin) -> Result<(), IndexingError> {
    match index.origin().await {
        Ok(Some(known)) if known.system_identifier != origin.system_identifier || known.timeline > origin.timeline => {
            tracing::warn!(index = index.name(), filled_from = %known, database = %origin, "the index is built again");
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
