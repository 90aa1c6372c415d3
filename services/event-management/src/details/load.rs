//! Reads an event's details from PostgreSQL.

use ids::EventId;
use kit::postgres::Pool;
use serde_json::value::RawValue;
use sqlx::{Connection, PgConnection, types::Json};
use time::OffsetDateTime;

use crate::event::{EventDetails, VenueDetails};

/// A moment within the years 1 to 9999, which RFC 3339 can write. PostgreSQL knows later years and infinity, by which
/// somebody may have meant "for ever".
macro_rules! writable {
    ($column:literal) => {
        concat!(
            "CASE WHEN events.",
            $column,
            " IS NOT NULL THEN least(greatest(events.",
            $column,
            ", '0001-01-01 00:00:00+00'), '9999-12-31 23:59:59+00') END AS ",
            $column
        )
    };
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: i64,
    uuid: EventId,
    name: String,
    description: Option<String>,
    date: OffsetDateTime,
    sale_starts_at: Option<OffsetDateTime>,
    sale_ends_at: Option<OffsetDateTime>,
    cancelled_at: Option<OffsetDateTime>,
    venue_uuid: Option<String>,
    location: Option<String>,
    seat_map: Option<Json<Box<RawValue>>>,
}

/// The event, if there is one. It is read in one snapshot, so that its parts belong together.
pub(crate) async fn event(pool: &Pool, event: EventId) -> Result<Option<EventDetails>, sqlx::Error> {
    pool.run(async |connection| {
        let mut snapshot = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let details = match event_row(&mut snapshot, event).await? {
            Some(row) => Some(with_parts(&mut snapshot, row).await?),
            None => None,
        };
        snapshot.commit().await?;
        Ok(details)
    })
    .await
}

async fn event_row(conn: &mut PgConnection, event: EventId) -> Result<Option<EventRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT events.id, events.uuid, events.name, events.description, events.date, ",
        writable!("sale_starts_at"),
        ", ",
        writable!("sale_ends_at"),
        ", ",
        writable!("cancelled_at"),
        ", venues.uuid AS venue_uuid, venues.location, venues.seat_map
             FROM events LEFT JOIN venues ON venues.id = events.venue_id
             WHERE events.uuid = $1"
    ))
    .bind(event)
    .fetch_optional(conn)
    .await
}

async fn with_parts(conn: &mut PgConnection, row: EventRow) -> Result<EventDetails, sqlx::Error> {
    let performers = sqlx::query_as(
        "SELECT performers.uuid, performers.name, performers.age, performers.description
         FROM event_performers JOIN performers ON performers.id = performer_id
         WHERE event_id = $1 ORDER BY performers.id",
    )
    .bind(row.id)
    .fetch_all(&mut *conn)
    .await?;
    let tickets = sqlx::query_as("SELECT id, uuid, price, seat FROM tickets WHERE event_id = $1 ORDER BY id")
        .bind(row.id)
        .fetch_all(&mut *conn)
        .await?;
    let venue = match (row.venue_uuid, row.location, row.seat_map) {
        (Some(uuid), Some(location), Some(Json(seat_map))) => Some(VenueDetails { uuid, location, seat_map }),
        _ => None,
    };
    Ok(EventDetails {
        id: row.id,
        uuid: row.uuid,
        name: row.name,
        description: row.description,
        date: row.date,
        sale_starts_at: row.sale_starts_at,
        sale_ends_at: row.sale_ends_at,
        cancelled_at: row.cancelled_at,
        venue,
        performers,
        tickets,
    })
}
