//! Reading events as the index wants them, together with what the read could see.
//!
//! Rows and snapshot come out of **one statement**, so the snapshot is that of the rows. Reads go to the primary:
//! a standby has no WAL insert position, and its refusal is a fault that is tried again.

use std::time::Duration;

use kit::postgres::Pool;
use sqlx::FromRow;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    documents::EventDocument,
    faults::Fault,
    versions::{Snapshot, Version},
};

/// The state of the database that a read saw; every statement of this module starts with it.
macro_rules! with_sight {
    ($rest:literal) => {
        concat!(
            "WITH sight AS MATERIALIZED (
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

/// The waits for WAL to be flushed; commits under way flush it within milliseconds. From the third on we see to it.
const FLUSH_CHECKS: [Duration; 3] = [Duration::from_millis(1), Duration::from_millis(3), Duration::from_millis(6)];
const LATER_FLUSH_CHECKS: Duration = Duration::from_millis(20);

/// Which database a read went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Different for each database cluster ever made.
    pub system_identifier: i64,
    /// Grows with each failover.
    pub timeline: u32,
}

/// What a read saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Which database.
    pub origin: Origin,
    /// Which transactions.
    pub snapshot: Snapshot,
    /// The end of the WAL after the snapshot was taken.
    wal_inserted: i64,
    wal_flushed: i64,
}

impl Sight {
    /// The version of documents made from the read.
    ///
    /// # Errors
    /// When the database has outlived the room for versions.
    pub fn version(&self) -> Result<Version, Fault> {
        Ok(Version::of(self.origin.timeline, &self.snapshot)?)
    }

    /// The end of the WAL after the snapshot was taken, as PostgreSQL writes it.
    #[must_use]
    pub fn wal_inserted_lsn(&self) -> String {
        format!("{:X}/{:X}", self.wal_inserted >> 32, self.wal_inserted & 0xffff_ffff)
    }

    /// Whether the WAL reached a position at all. One beyond its end belongs to a life of the database that is lost.
    #[must_use]
    pub fn reached(&self, wal_position: u64) -> bool {
        u64::try_from(self.wal_inserted).is_ok_and(|end| wal_position <= end)
    }
}

/// Some events, and what the read saw.
#[derive(Debug)]
pub struct Reading {
    /// What the read saw.
    pub sight: Sight,
    /// The events by id, in ascending order; `None` for one that was asked for and is gone.
    pub events: Vec<(i64, Option<EventDocument>)>,
}

/// The events of a PostgreSQL database.
#[derive(Clone)]
pub struct Rows {
    pool: Pool,
}

impl Rows {
    /// Reads through a pool.
    #[must_use]
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The events with these ids.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn with_ids(&self, ids: &[i64]) -> Result<Reading, Fault> {
        let rows: Vec<Row> = sqlx::query_as(with_sight!(
            "SELECT sight.*, wanted.id AS wanted_id, e.id, e.uuid, e.name, e.description, e.venue_id, v.location,
                    CASE WHEN isfinite(e.date) THEN (extract(epoch FROM e.date) * 1000000)::bigint END AS date_us
             FROM sight
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

    /// The first `limit` events behind an id, in the order of their ids.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn behind(&self, id: i64, limit: i64) -> Result<Reading, Fault> {
        let rows: Vec<Row> = sqlx::query_as(with_sight!(
            "SELECT sight.*, e.*
             FROM sight
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

    /// The ids of a venue's events behind an id, at most `limit`.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn ids_of_venue(&self, venue_id: i64, behind: i64, limit: i64) -> Result<Vec<i64>, Fault> {
        let ids = sqlx::query_scalar("SELECT id FROM events WHERE venue_id = $1 AND id > $2 ORDER BY id LIMIT $3")
            .bind(venue_id)
            .bind(behind)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        Ok(ids)
    }

    /// Which database the pool is connected to.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn origin(&self) -> Result<Origin, Fault> {
        Ok(self.with_ids(&[0]).await?.sight.origin)
    }

    /// Waits until a crash of PostgreSQL can no longer make it forget a transaction that a read counted as completed.
    ///
    /// A transaction completes with a record in the WAL. One that committed asynchronously or aborted is complete before
    /// that record is on disk; after a crash its number would be given out again, and later reads would get smaller
    /// versions than the documents have.
    ///
    /// # Errors
    /// When PostgreSQL does not answer.
    pub async fn settle(&self, sight: &Sight) -> Result<(), Fault> {
        let mut flushed = sight.wal_flushed;
        let mut waits = FLUSH_CHECKS.into_iter();
        while flushed < sight.wal_inserted {
            if let Some(wait) = waits.next() {
                tokio::time::sleep(wait).await;
            } else {
                // A transaction of our own makes the WAL writer flush all before it.
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
    uuid: Option<String>,
    name: Option<String>,
    description: Option<String>,
    venue_id: Option<i64>,
    location: Option<String>,
    date_us: Option<i64>,
}

impl Row {
    fn sight(&self) -> Result<Sight, Fault> {
        Ok(Sight {
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
    fn of(rows: Vec<Row>) -> Result<Self, Fault> {
        let sight = rows.first().ok_or(Fault::NothingRead)?.sight()?;
        let events = rows.into_iter().filter_map(|row| Some((row.wanted_id?, row.document()))).collect();
        Ok(Self { sight, events })
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
