//! Rows to start from.

use ids::{EventId, TicketId};
use sqlx::PgPool;
use uuid::Uuid;

/// A venue's keys.
#[derive(Debug, Clone)]
pub struct Venue {
    /// Primary key.
    pub id: i64,
    /// Public identifier.
    pub uuid: Uuid,
}

/// An event's keys.
#[derive(Debug, Clone)]
pub struct Event {
    /// Primary key.
    pub id: i64,
    /// Public identifier.
    pub uuid: EventId,
}

/// A ticket's keys and seat.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Primary key.
    pub id: i64,
    /// Public identifier.
    pub uuid: TicketId,
    /// The seat it stands for.
    pub seat: String,
}

/// The price of every ticket made here, in minor units.
pub const PRICE: i64 = 35_000;

/// A venue with a small seat map.
///
/// # Panics
/// When the row cannot be written. All functions here do the same.
pub async fn venue(pool: &PgPool, location: &str) -> Venue {
    let (id, uuid) = sqlx::query_as(
        r#"INSERT INTO venues (uuid, location, seat_map) VALUES (gen_random_uuid()::text, $1, '{"A1": true, "B1": false}')
           RETURNING id, uuid::uuid"#,
    )
    .bind(location)
    .fetch_one(pool)
    .await
    .expect("a venue can be inserted");
    Venue { id, uuid }
}

/// An event `in_days` days from now; with a negative number it is over.
pub async fn event(pool: &PgPool, venue: &Venue, name: &str, in_days: i32) -> Event {
    let (id, uuid) = sqlx::query_as(
        "INSERT INTO events (uuid, venue_id, date, name, description)
         VALUES (gen_random_uuid()::text, $1, now() + make_interval(days => $2), $3, 'About ' || $3)
         RETURNING id, uuid",
    )
    .bind(venue.id)
    .bind(in_days)
    .bind(name)
    .fetch_one(pool)
    .await
    .expect("an event can be inserted");
    Event { id, uuid }
}

/// `count` available tickets of an event, seats `A1`, `A2`, ….
pub async fn tickets(pool: &PgPool, event: &Event, count: i32) -> Vec<Ticket> {
    let rows: Vec<(i64, TicketId, String)> = sqlx::query_as(
        "INSERT INTO tickets (uuid, event_id, price, seat, status)
         SELECT gen_random_uuid()::text, $1, $2, 'A' || n, 'available' FROM generate_series(1, $3) AS n
         RETURNING id, uuid, seat",
    )
    .bind(event.id)
    .bind(PRICE)
    .bind(count)
    .fetch_all(pool)
    .await
    .expect("tickets can be inserted");
    rows.into_iter().map(|(id, uuid, seat)| Ticket { id, uuid, seat }).collect()
}

/// A venue, an event in thirty days and its tickets.
pub async fn event_with_seats(pool: &PgPool, count: i32) -> (Event, Vec<Ticket>) {
    let venue = venue(pool, "Freiburg").await;
    let event = event(pool, &venue, "Spring Concert", 30).await;
    let tickets = tickets(pool, &event, count).await;
    (event, tickets)
}
