//! The loop that reads the feed and keeps the index equal to the database.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use rdkafka::consumer::{CommitMode, Consumer};
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{
    FeedMetrics, FeedState, KafkaSettings, Status,
    batch::{Batch, Batcher},
    consumer::{FeedConsumer, FeedContext, receive, store, subscribe},
    positions,
};
use crate::{
    faults::Fault,
    health::IndexHealth,
    index::{Index, IndexOrigin, IndexState},
    rows::Rows,
    sweep::sweep,
    writer::Writer,
};

/// The first pause after a fault; a transaction that is not visible yet usually is after it.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// The longest pause after a fault: a store that is back is noticed this soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The pause before the consumer is made anew.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// Attempts after which a fault is worth a warning; before, it is the ordinary wait for visibility.
const QUIET_ATTEMPTS: usize = 5;

/// Keeps the index equal to the database.
pub struct Indexer {
    /// The events.
    pub rows: Rows,
    /// Their index.
    pub index: Index,
    /// Where the feed is.
    pub kafka: KafkaSettings,
    /// What happens is counted here.
    pub metrics: FeedMetrics,
    /// What it is doing is told here.
    pub status: Status,
    /// Whether the index can be used.
    pub health: watch::Receiver<IndexHealth>,
}

enum Ended {
    Shutdown,
    /// Positions were lost and set anew. librdkafka fetches nothing more from such a partition, not even after a seek:
    /// a new consumer does.
    NewPositions,
    /// Too many undecodable records, or documents that the mapping does not take.
    Poison(String),
}

/// What is repeated until it is done.
#[derive(Clone, Copy)]
enum Task<'a> {
    /// Index what records ask for.
    Apply(&'a Batch),
    /// Make up for records that are gone.
    Rebuild(&'a Arc<FeedConsumer>),
}

impl Indexer {
    /// Reads and indexes until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let origin = tokio::select! {
                () = shutdown.cancelled() => return,
                origin = self.index_filled() => origin,
            };
            match self.consume(origin, &shutdown).await {
                Ok(Ended::Shutdown) => return,
                Ok(Ended::NewPositions) => {}
                Ok(Ended::Poison(reason)) => {
                    tracing::error!(reason, "the feed has stopped; mend or skip the records, then restart");
                    self.metrics.stopped(true);
                    self.status.set(FeedState::Stopped, Some(reason));
                    return shutdown.cancelled().await;
                }
                Err(fault) => self.pause_after(&fault).await,
            }
        }
    }

    async fn pause_after(&self, fault: &Fault) {
        tracing::error!(%fault, "the feed starts over");
        self.metrics.retry(fault.cause());
        self.status.set(FeedState::Retrying, Some(fault.to_string()));
        if let Fault::ForeignDatabase { .. } = fault {
            // Answers from it would be about another database: it must be filled again, by `prepare-index`.
            if let Err(error) = self.index.mark_unfilled().await {
                tracing::error!(%error, "the index could not be marked as not filled");
            }
        }
        tokio::time::sleep(RESTART_PAUSE).await;
    }

    /// Waits until the index can be written to. Nothing is created here: a write into an index that is not there could
    /// make Elasticsearch invent one.
    async fn index_filled(&mut self) -> Option<IndexOrigin> {
        self.status.set(FeedState::WaitingForIndex, Some(format!("index {} is not filled", self.index.name())));
        loop {
            if let IndexHealth::Known(IndexState::Filled(origin)) = &*self.health.borrow_and_update() {
                return origin.clone();
            }
            if self.health.changed().await.is_err() {
                // The watcher ends with the process.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn consume(&self, origin: Option<IndexOrigin>, shutdown: &CancellationToken) -> Result<Ended, Fault> {
        let origin = match origin {
            Some(origin) => origin,
            None => self.rows.origin().await?.into(),
        };
        let mut writer = Writer::new(self.rows.clone(), self.index.clone(), origin, self.metrics.clone());
        let context = FeedContext { metrics: self.metrics.clone(), status: self.status.clone() };
        let consumer = Arc::new(subscribe(&self.kafka, context)?);
        self.status.set(FeedState::Running, None);
        let ended = self.index_records(&consumer, &mut writer, shutdown).await;
        leave(consumer).await?;
        ended
    }

    async fn index_records(
        &self,
        consumer: &Arc<FeedConsumer>,
        writer: &mut Writer,
        shutdown: &CancellationToken,
    ) -> Result<Ended, Fault> {
        let limit = self.kafka.stop_after_undecodable;
        let mut batcher = Batcher::new(self.kafka.topics.clone(), limit, self.metrics.clone());
        let mut refused_in_a_row = 0;
        loop {
            let received = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(Ended::Shutdown),
                received = receive(consumer, self.kafka.batch_records) => received,
            };
            let batch = batcher.batch(&received.records);
            if !self.until_done(Task::Apply(&batch), writer, shutdown).await? {
                return Ok(Ended::Shutdown);
            }
            let refused = writer.take_refused();
            refused_in_a_row = if refused == 0 { 0 } else { refused_in_a_row + refused };
            if refused_in_a_row >= limit {
                return Ok(Ended::Poison(format!("{refused_in_a_row} documents in a row do not fit the mapping")));
            }
            store(consumer, &batch.next_offsets);
            if let Some(changed_at_ms) = batch.changed_at_ms {
                self.metrics.indexed_change_of(changed_at_ms);
            }
            if let Some(partition) = batch.stopped_by {
                let place = format!("{} partition {}", partition.topic, partition.number);
                return Ok(Ended::Poison(format!("{limit} undecodable records in a row in {place}")));
            }
            if received.position_lost {
                let done = self.until_done(Task::Rebuild(consumer), writer, shutdown).await?;
                return Ok(if done { Ended::NewPositions } else { Ended::Shutdown });
            }
        }
    }

    /// Repeats a task until it is done; says false when `shutdown` came first. A store's fault never ends it.
    async fn until_done(
        &self,
        task: Task<'_>,
        writer: &mut Writer,
        shutdown: &CancellationToken,
    ) -> Result<bool, Fault> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_jitter()
            .without_max_times()
            .build();
        let mut attempts = 0;
        loop {
            let done = match task {
                Task::Apply(batch) => self.apply(batch, writer).await,
                Task::Rebuild(consumer) => self.rebuild(consumer, writer).await,
            };
            let fault = match done {
                Ok(()) => break,
                Err(fault @ Fault::ForeignDatabase { .. }) => return Err(fault),
                Err(fault) => fault,
            };
            attempts += 1;
            self.metrics.retry(fault.cause());
            if attempts > QUIET_ATTEMPTS {
                tracing::warn!(%fault, attempts, "a batch is tried again");
                self.status.set(FeedState::Retrying, Some(fault.to_string()));
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(false),
                () = tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)) => {}
            }
        }
        if attempts > QUIET_ATTEMPTS {
            self.status.set(FeedState::Running, None);
        }
        Ok(true)
    }

    async fn apply(&self, batch: &Batch, writer: &mut Writer) -> Result<(), Fault> {
        let events: Vec<i64> = batch.events.iter().copied().collect();
        writer.events(&events, &batch.awaited).await?;
        for venue in &batch.venues {
            writer.venue(*venue, &batch.awaited).await?;
        }
        if writer.database_failed_over() {
            self.compare("failover", writer).await?;
            writer.compared();
            self.index.mark_filled(self.rows.origin().await?).await?;
        } else if batch.needs_sweep {
            self.compare("snapshot", writer).await?;
        }
        Ok(())
    }

    /// Records were lost before they were read. Positions are taken first, so that what changes meanwhile is read again.
    async fn rebuild(&self, consumer: &Arc<FeedConsumer>, writer: &mut Writer) -> Result<(), Fault> {
        let lost = positions::ends_of_lost(Arc::clone(consumer)).await?;
        tracing::error!(partitions = ?lost, "records are gone or the group has no position: comparing everything");
        self.compare("lost_position", writer).await?;
        if lost.is_empty() {
            return Ok(());
        }
        positions::commit(Arc::clone(consumer), lost).await
    }

    async fn compare(&self, cause: &'static str, writer: &mut Writer) -> Result<(), Fault> {
        let swept = sweep(writer).await?;
        tracing::info!(cause, rows = swept.rows, written = swept.written, removed = swept.removed, "index compared");
        self.metrics.sweep(cause);
        Ok(())
    }
}

/// Commits what is stored and leaves the group, so that others take over at once.
async fn leave(consumer: Arc<FeedConsumer>) -> Result<(), Fault> {
    let left = spawn_blocking(move || {
        match consumer.commit_consumer_state(CommitMode::Sync) {
            Ok(()) => {}
            Err(error) => tracing::info!(%error, "nothing was committed at the end"),
        }
        drop(consumer);
    });
    Ok(left.await?)
}
