//! The loop that reads the feed and indexes what changed.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use rdkafka::consumer::{CommitMode, Consumer};
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{
    batch::{Batch, Batcher},
    error::IndexingError,
    metrics::IndexingMetrics,
    rows::Rows,
    sweep::sweep,
    writer::Writer,
};
use crate::{
    feed::{
        FeedConsumer, FeedContext, FeedError, FeedMetrics, FeedState, KafkaSettings, SharedStatus, commit,
        end_offsets_of_lost, receive, store_offsets, subscribe,
    },
    index::{Index, IndexHealth, IndexState, Origin},
};

/// The first pause after an error. A transaction that is not visible yet usually is after this time.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// The longest pause after an error. It bounds how late the return of a store is noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The pause before a new consumer is made.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// The number of failed attempts without a warning. The first errors are usually the wait for visibility.
const ATTEMPTS_WITHOUT_WARNING: usize = 5;

/// Keeps the index equal to the database.
pub(crate) struct Indexer {
    pub(crate) rows: Rows,
    pub(crate) index: Index,
    pub(crate) kafka: KafkaSettings,
    pub(crate) feed_metrics: FeedMetrics,
    pub(crate) metrics: IndexingMetrics,
    pub(crate) status: SharedStatus,
    pub(crate) health: watch::Receiver<IndexHealth>,
}

/// Why a consumer ended.
enum End {
    Shutdown,
    /// Lost positions were replaced. librdkafka fetches nothing more from such a partition, not even after a seek, so a
    /// new consumer is needed.
    PositionsReplaced,
    /// Too many records in a row could not be decoded or indexed.
    Poison(String),
}

/// Work that is retried until it succeeds.
#[derive(Clone, Copy)]
enum Work<'a> {
    /// Index the rows of a batch.
    Apply(&'a Batch),
    /// Compare everything, in place of records that were lost.
    ReplaceLost(&'a Arc<FeedConsumer>),
}

impl Indexer {
    /// Reads and indexes until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let origin = tokio::select! {
                () = shutdown.cancelled() => return,
                origin = self.wait_until_filled() => origin,
            };
            match self.consume(origin, &shutdown).await {
                Ok(End::Shutdown) => return,
                Ok(End::PositionsReplaced) => {}
                Ok(End::Poison(reason)) => {
                    tracing::error!(reason, "the feed has stopped; repair or skip the records, then restart");
                    self.metrics.set_stopped();
                    self.status.set(FeedState::Stopped, Some(reason));
                    return shutdown.cancelled().await;
                }
                Err(error) => self.pause_after(&error).await,
            }
        }
    }

    async fn pause_after(&self, error: &IndexingError) {
        tracing::error!(%error, "the feed starts again with a new consumer");
        self.metrics.count_retry(error.cause());
        self.status.set(FeedState::Retrying, Some(error.to_string()));
        if let IndexingError::ForeignDatabase { .. } = error {
            // The index would answer for another database. `prepare-index` must fill it again.
            if let Err(error) = self.index.mark_unfilled().await {
                tracing::error!(%error, "the index could not be marked as not filled");
            }
        }
        tokio::time::sleep(RESTART_PAUSE).await;
    }

    /// Waits until the index is filled. No write happens before: a write to a missing index could make Elasticsearch
    /// create one without our mapping.
    async fn wait_until_filled(&mut self) -> Option<Origin> {
        self.status.set(FeedState::WaitingForIndex, Some(format!("index {} is not filled", self.index.name())));
        loop {
            if let IndexHealth::Known(IndexState::Filled(origin)) = &*self.health.borrow_and_update() {
                return *origin;
            }
            if self.health.changed().await.is_err() {
                // The checks end only with the process.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn consume(&self, origin: Option<Origin>, shutdown: &CancellationToken) -> Result<End, IndexingError> {
        let origin = match origin {
            Some(origin) => origin,
            None => self.rows.origin().await?,
        };
        let mut writer = Writer::new(self.rows.clone(), self.index.clone(), origin, self.metrics.clone());
        let context = FeedContext { metrics: self.feed_metrics.clone(), status: self.status.clone() };
        let consumer = Arc::new(subscribe(&self.kafka, context).map_err(FeedError::from)?);
        self.status.set(FeedState::Running, None);
        let end = self.index_records(&consumer, &mut writer, shutdown).await;
        leave_group(consumer).await?;
        end
    }

    async fn index_records(
        &self,
        consumer: &Arc<FeedConsumer>,
        writer: &mut Writer,
        shutdown: &CancellationToken,
    ) -> Result<End, IndexingError> {
        let limit = self.kafka.stop_after_undecodable;
        let mut batcher = Batcher::new(self.kafka.topics.clone(), limit, self.feed_metrics.clone());
        let mut refused_in_a_row = 0;
        loop {
            let received = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(End::Shutdown),
                received = receive(consumer, self.kafka.batch_records) => received,
            };
            let batch = batcher.batch(&received.records);
            if !self.retry(Work::Apply(&batch), writer, shutdown).await? {
                return Ok(End::Shutdown);
            }
            let refused = writer.take_refused();
            refused_in_a_row = if refused == 0 { 0 } else { refused_in_a_row + refused };
            if refused_in_a_row >= limit {
                return Ok(End::Poison(format!("{refused_in_a_row} documents in a row do not fit the mapping")));
            }
            store_offsets(consumer, &batch.next_offsets);
            if let Some(changed_at_ms) = batch.changed_at_ms {
                self.metrics.observe_indexed(changed_at_ms);
            }
            if let Some(partition) = batch.stopped_by {
                let place = format!("{} partition {}", partition.topic, partition.number);
                return Ok(End::Poison(format!("{limit} undecodable records in a row in {place}")));
            }
            if received.position_lost {
                let done = self.retry(Work::ReplaceLost(consumer), writer, shutdown).await?;
                return Ok(if done { End::PositionsReplaced } else { End::Shutdown });
            }
        }
    }

    /// Retries until the work is done. Returns false when `shutdown` came first. An error of a store never ends the
    /// retries.
    async fn retry(
        &self,
        work: Work<'_>,
        writer: &mut Writer,
        shutdown: &CancellationToken,
    ) -> Result<bool, IndexingError> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_jitter()
            .without_max_times()
            .build();
        let mut attempts = 0;
        loop {
            let done = match work {
                Work::Apply(batch) => self.apply(batch, writer).await,
                Work::ReplaceLost(consumer) => self.replace_lost(consumer, writer).await,
            };
            let error = match done {
                Ok(()) => break,
                Err(error @ IndexingError::ForeignDatabase { .. }) => return Err(error),
                Err(error) => error,
            };
            attempts += 1;
            self.metrics.count_retry(error.cause());
            if attempts > ATTEMPTS_WITHOUT_WARNING {
                tracing::warn!(%error, attempts, "a batch is retried");
                self.status.set(FeedState::Retrying, Some(error.to_string()));
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(false),
                () = tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)) => {}
            }
        }
        if attempts > ATTEMPTS_WITHOUT_WARNING {
            self.status.set(FeedState::Running, None);
        }
        Ok(true)
    }

    async fn apply(&self, batch: &Batch, writer: &mut Writer) -> Result<(), IndexingError> {
        let events: Vec<i64> = batch.events.iter().copied().collect();
        writer.index_events(&events, &batch.awaited).await?;
        for venue in &batch.venues {
            writer.index_venue(*venue, &batch.awaited).await?;
        }
        if writer.database_failed_over() {
            self.sweep("failover", writer).await?;
            writer.set_compared();
            self.index.mark_filled(self.rows.origin().await?).await?;
        } else if batch.needs_sweep {
            self.sweep("snapshot", writer).await?;
        }
        Ok(())
    }

    /// Compares everything after records were lost unread, and commits new positions. The new positions are taken
    /// before the comparison, so that changes during the comparison are read from the feed.
    async fn replace_lost(&self, consumer: &Arc<FeedConsumer>, writer: &mut Writer) -> Result<(), IndexingError> {
        let lost = end_offsets_of_lost(Arc::clone(consumer)).await?;
        tracing::error!(partitions = ?lost, "records or positions are lost; the whole index is compared");
        self.sweep("lost_position", writer).await?;
        if lost.is_empty() {
            return Ok(());
        }
        Ok(commit(Arc::clone(consumer), lost).await?)
    }

    async fn sweep(&self, cause: &'static str, writer: &mut Writer) -> Result<(), IndexingError> {
        let swept = sweep(writer).await?;
        tracing::info!(cause, rows = swept.rows, written = swept.written, removed = swept.removed, "index compared");
        self.metrics.count_sweep(cause);
        Ok(())
    }
}

/// Commits the stored offsets and leaves the group, so that other replicas take the partitions at once.
async fn leave_group(consumer: Arc<FeedConsumer>) -> Result<(), IndexingError> {
    let left = spawn_blocking(move || {
        match consumer.commit_consumer_state(CommitMode::Sync) {
            Ok(()) => {}
            Err(error) => tracing::info!(%error, "no offsets were committed at the end"),
        }
        drop(consumer);
    });
    Ok(left.await.map_err(FeedError::from)?)
}
