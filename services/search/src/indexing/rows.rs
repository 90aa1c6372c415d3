//! Reading events as documents, together with the state of the database that the read saw.
//!
//! Rows and snapshot come from **one statement**, so the snapshot is that of the rows. Reads go to the primary: a
//! standby has no WAL insert position and refuses the statement, which is retried.

use std::time::Duration;

use ids::EventId;
use kit::postgres::Pool;
use sqlx::FromRow;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{error::IndexingError, versions::Snapshot};
use crate::index::{EventDocument, Origin, Version};

/// The beginning of every statement that reads documents: the state of the database that the statement sees.
macro_rules! with_state {
    ($rest:literal) => {
        concat!(
            "WITH state AS MATERIALIZED (
                SELECT pg_current_snapshot()::text AS snapshot,
                       ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int AS timeline,
                       (pg_current_wal_insert_lsn() - '0/0')::bigint AS wal_inserted,
                       (pg_current_wal_flush_lsn() - '0/0')::bigint AS wal_flushed,
                       (SELECT system_identifier FROM pg_control_system()) AS system_identifier
            ) ",
            $rest
        )
    };
}

/// The waits before the first checks whether the WAL is flushed. Running commits usually flush it within milliseconds.
const FLUSH_CHECKS: [Duration; 3] = [Duration::from_millis(1), Duration::from_millis(3), Duration::from_millis(6)];
/// The wait before each later check. From then on we also make PostgreSQL flush the WAL.
const LATER_FLUSH_CHECKS: Duration = Duration::from_millis(20);

/// The state of the database that a read saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseState {
    pub(crate) origin: Origin,
    pub(crate) snapshot: Snapshot,
    /// The end of the WAL after the snapshot was taken.
    wal_inserted: i64,
    wal_flushed: i64,
}

impl DatabaseState {
    /// The version of documents that are made from the read.
    pub fn version(&self) -> Result<Version, IndexingError> {
        Ok(self.snapshot.version(self.origin.timeline)?)
    }

    /// The end of the WAL after the snapshot was taken, as PostgreSQL writes it.
    pub fn wal_inserted_lsn(&self) -> String {
        format!("{:X}/{:X}", self.wal_inserted >> 32, self.wal_inserted & 0xffff_ffff)
    }

    /// Whether the WAL reaches a position. A position beyond its end was lost in a failover or with the database.
    pub(crate) fn reaches(&self, wal_position: u64) -> bool {
        u64::try_from(self.wal_inserted).is_ok_and(|end| wal_position <= end)
    }
}

/// Events, and the state of the database that the read saw.
#[derive(Debug)]
pub struct Reading {
    pub state: DatabaseState,
    /// The events in the order of their ids. `None` stands for an event that was asked for and does not exist.
    pub events: Vec<(i64, Option<EventDocument>)>,
}

/// Reads the events in PostgreSQL.
#[derive(Clone)]
pub struct Rows {
    pool: Pool,
}

impl Rows {
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Reads the events with these ids.
    pub async fn with_ids(&self, ids: &[i64]) -> Result<Reading, IndexingError> {
        let rows: Vec<Row> = sqlx::query_as(with_state!(
            "SELECT state.*, wanted.id AS wanted_id, e.id, e.uuid, e.name, e.description, e.venue_id, v.location,
                    CASE WHEN isfinite(e.date) THEN (extract(epoch FROM e.date) * 1000000)::bigint END AS date_us
             FROM state
             CROSS JOIN unnest($1::bigint[]) AS wanted (id)
             LEFT JOIN events e ON e.id = wanted.id
             LEFT JOIN venues v ON v.id = e.venue_id
             ORDER BY wanted.id"
        ))
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        Reading::of(rows)
    }

    /// Reads the first `limit` events after an id, in the order of their ids.
    pub(crate) async fn after(&self, id: i64, limit: i64) -> Result<Reading, IndexingError> {
        let rows: Vec<Row> = sqlx::query_as(with_state!(
            "SELECT state.*, e.*
             FROM state
             LEFT JOIN LATERAL (
                 SELECT e.id AS wanted_id, e.id, e.uuid, e.name, e.description, e.venue_id, v.location,
                        CASE WHEN isfinite(e.date) THEN (extract(epoch FROM e.date) * 1000000)::bigint END AS date_us
                 FROM events e
                 LEFT JOIN venues v ON v.id = e.venue_id
                 WHERE e.id > $1
                 ORDER BY e.id
                 LIMIT $2
             ) e ON true
             ORDER BY e.id"
        ))
        .bind(id)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Reading::of(rows)
    }

    /// Reads the first `limit` ids of a venue's events after an id, in their order.
    pub(crate) async fn ids_of_venue(&self, venue_id: i64, after: i64, limit: i64) -> Result<Vec<i64>, IndexingError> {
        let ids = sqlx::query_scalar("SELECT id FROM events WHERE venue_id = $1 AND id > $2 ORDER BY id LIMIT $3")
            .bind(venue_id)
            .bind(after)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        Ok(ids)
    }

    /// Reads which database the pool is connected to.
    pub(crate) async fn origin(&self) -> Result<Origin, IndexingError> {
        Ok(self.with_ids(&[0]).await?.state.origin)
    }

    /// Waits until the WAL that the read saw is on disk. From then on no crash of PostgreSQL can make it forget a
    /// transaction that the read counted as completed.
    ///
    /// A transaction completes with a record in the WAL. A transaction that committed asynchronously or aborted is
    /// complete before that record is on disk. After a crash PostgreSQL would use its number again, and later reads
    /// would get smaller versions than the documents have.
    pub async fn wait_until_flushed(&self, state: &DatabaseState) -> Result<(), IndexingError> {
        let mut flushed = state.wal_flushed;
        let mut waits = FLUSH_CHECKS.into_iter();
        while flushed < state.wal_inserted {
            if let Some(wait) = waits.next() {
                tokio::time::sleep(wait).await;
            } else {
                // A transaction of our own makes the WAL writer flush everything before it.
                sqlx::query("SELECT pg_current_xact_id()").execute(&self.pool).await?;
                tokio::time::sleep(LATER_FLUSH_CHECKS).await;
            }
            flushed =
                sqlx::query_scalar("SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint").fetch_one(&self.pool).await?;
        }
        Ok(())
    }
}

#[derive(FromRow)]
struct Row {
    snapshot: String,
    timeline: i32,
    wal_inserted: i64,
    wal_flushed: i64,
    system_identifier: i64,
    wanted_id: Option<i64>,
    id: Option<i64>,
    uuid: Option<EventId>,
    name: Option<String>,
    description: Option<String>,
    venue_id: Option<i64>,
    location: Option<String>,
    date_us: Option<i64>,
}

impl Row {
    fn state(&self) -> Result<DatabaseState, IndexingError> {
        Ok(DatabaseState {
            origin: Origin { system_identifier: self.system_identifier, timeline: self.timeline.cast_unsigned() },
            snapshot: self.snapshot.parse()?,
            wal_inserted: self.wal_inserted,
            wal_flushed: self.wal_flushed,
        })
    }

    fn document(self) -> Option<EventDocument> {
        Some(EventDocument {
            id: self.id?,
            uuid: self.uuid?,
            name: self.name?,
            description: self.description,
            date: self.date_us.and_then(rfc3339),
            location: self.location,
            venue_id: self.venue_id,
        })
    }
}

impl Reading {
    fn of(rows: Vec<Row>) -> Result<Self, IndexingError> {
        let state = rows.first().ok_or(IndexingError::NoRow)?.state()?;
        let events = rows.into_iter().filter_map(|row| Some((row.wanted_id?, row.document()))).collect();
        Ok(Self { state, events })
    }
}

fn rfc3339(microseconds: i64) -> Option<String> {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000).ok()?;
    moment.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_utc_and_never_fail() {
        assert_eq!(rfc3339(1_784_145_600_000_000).as_deref(), Some("2026-07-15T20:00:00Z"));
        assert_eq!(rfc3339(1_784_145_600_250_000).as_deref(), Some("2026-07-15T20:00:00.25Z"));
        assert_eq!(rfc3339(-62_167_219_200_000_001), None, "before the year 0");
        assert_eq!((rfc3339(i64::MAX), rfc3339(i64::MIN)), (None, None));
    }
}
