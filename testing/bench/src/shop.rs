//! The tickets that are for sale, in a database of its own for each run.

use std::ops::Range;

use anyhow::Result;
use ids::TicketId;
use sqlx::PgPool;
use testbed::TestDatabase;

use crate::plan::{LARGE_PAGE_SEATS, Plan, SMALL_PAGE_SEATS};

/// The uuid of a ticket, computed from its number. The indexes see random uuids, and pgbench needs no list of them.
/// `{number}` stands for an expression of type `text`.
pub(crate) const TICKET_UUID: &str = "md5({number})::uuid::text";

/// The tickets and events of a run, in a new database.
pub(crate) struct Shop {
    pub database: TestDatabase,
    /// Tickets to reserve, of events with 2,000 seats.
    pub to_reserve: Vec<TicketId>,
    /// Numbers of the tickets that PostgreSQL alone sells.
    pub to_sell: Range<usize>,
    /// First a ticket that will be held and one that will be sold, then those that a crowd wants one after the other.
    pub in_turn: Vec<TicketId>,
    /// The event of the small page.
    pub small: Event,
    /// The event of the large page.
    pub large: Event,
    /// An event with a large page that is in no cache.
    pub cold: Event,
}

/// An event whose page is shown. A quarter of its seats is sold.
pub(crate) struct Event {
    /// The path of its page.
    pub path: String,
    /// The tickets of another quarter, which will be held.
    pub to_hold: Vec<TicketId>,
}

/// Number of tickets in [`Shop::in_turn`] before those of the crowd.
const REFUSED_TICKETS: usize = 2;

impl Shop {
    pub(crate) async fn open(plan: &Plan) -> Result<Self> {
        let database = TestDatabase::create().await;
        let pool = &database.pool;
        let venue = venue(pool).await?;
        let in_turn = plan.tickets_in_turn + REFUSED_TICKETS;
        let for_sale = plan.tickets_to_reserve + plan.tickets_to_sell + in_turn;
        sell(pool, venue, for_sale).await?;
        let small = event(pool, venue, for_sale, SMALL_PAGE_SEATS).await?;
        let large = event(pool, venue, for_sale + SMALL_PAGE_SEATS, LARGE_PAGE_SEATS).await?;
        let cold = event(pool, venue, for_sale + SMALL_PAGE_SEATS + LARGE_PAGE_SEATS, LARGE_PAGE_SEATS).await?;
        // PostgreSQL would do this in the background during a measure. Only filled tables are analyzed: with statistics that say
        // "empty", plans would read a whole table later, when it is no longer empty.
        for upkeep in ["VACUUM ANALYZE venues, performers, events, event_performers, tickets", "CHECKPOINT"] {
            sqlx::raw_sql(upkeep).execute(pool).await?;
        }

        let mut tickets = tickets(pool, for_sale).await?;
        let in_turn = tickets.split_off(plan.tickets_to_reserve + plan.tickets_to_sell);
        tickets.truncate(plan.tickets_to_reserve);
        let to_sell = plan.tickets_to_reserve + 1..plan.tickets_to_reserve + plan.tickets_to_sell + 1;
        Ok(Self { to_reserve: tickets, to_sell, in_turn, small, large, cold, database })
    }

    /// How many of the tickets for PostgreSQL alone are sold.
    pub(crate) async fn sold_by_postgres(&self) -> Result<i64> {
        let (first, end) = (i64::try_from(self.to_sell.start)?, i64::try_from(self.to_sell.end)?);
        let sold = sqlx::query_scalar("SELECT count(*) FROM tickets WHERE status = 'booked' AND id >= $1 AND id < $2");
        Ok(sold.bind(first).bind(end).fetch_one(&self.database.pool).await?)
    }
}

/// Creates a venue with as many seats as the largest event.
async fn venue(pool: &PgPool) -> Result<i64> {
    let inserted = sqlx::query_scalar(
        "INSERT INTO venues (location, seat_map)
         SELECT 'Speicherhalle, Hamburg', json_object_agg('A' || seat, true)
         FROM generate_series(1, $1) AS seat RETURNING id",
    );
    Ok(inserted.bind(i32::try_from(LARGE_PAGE_SEATS)?).fetch_one(pool).await?)
}

/// Creates events of 2,000 seats each, with `count` tickets in all. Tickets are numbered from 1, as their ids are.
async fn sell(pool: &PgPool, venue: i64, count: usize) -> Result<()> {
    sqlx::query(
        "WITH sold AS (
             INSERT INTO events (venue_id, date, name, description)
             SELECT $1, now() + interval '30 days', 'Concert ' || n, 'An evening with everybody'
             FROM generate_series(0, ($2 - 1) / $3) AS n RETURNING id
         )
         INSERT INTO tickets (uuid, event_id, price, seat)
         SELECT md5(n::text)::uuid::text, first.id + (n - 1) / $3, 35000, 'A' || (n - 1) % $3 + 1
         FROM (SELECT min(id) AS id FROM sold) AS first, generate_series(1, $2) AS n ORDER BY n",
    )
    .bind(venue)
    .bind(i32::try_from(count)?)
    .bind(i32::try_from(LARGE_PAGE_SEATS)?)
    .execute(pool)
    .await?;
    Ok(())
}

/// Creates an event with performers. Every fourth seat is sold. The numbers of its tickets follow those so far.
async fn event(pool: &PgPool, venue: i64, tickets_so_far: usize, seats: usize) -> Result<Event> {
    let (id, uuid): (i64, String) = sqlx::query_as(
        "INSERT INTO events (venue_id, date, name, description)
         VALUES ($1, now() + interval '60 days', 'Winter Songs', 'Songs for the longest night of the year')
         RETURNING id, uuid",
    )
    .bind(venue)
    .fetch_one(pool)
    .await?;
    sqlx::query(
        "WITH performing AS (
             INSERT INTO performers (name, age, description)
             VALUES ('Nora Lindqvist', 34, 'Voice'), ('Otto Brandt', 51, 'Piano') RETURNING id
         )
         INSERT INTO event_performers (event_id, performer_id) SELECT $1, id FROM performing",
    )
    .bind(id)
    .execute(pool)
    .await?;
    sqlx::query(
        "INSERT INTO tickets (uuid, event_id, price, seat, status)
         SELECT md5(($2 + n)::text)::uuid::text, $1, 35000, 'A' || n, CASE n % 4 WHEN 0 THEN 'booked' ELSE 'available' END
         FROM generate_series(1, $3) AS n ORDER BY n",
    )
    .bind(id)
    .bind(i32::try_from(tickets_so_far)?)
    .bind(i32::try_from(seats)?)
    .execute(pool)
    .await?;
    let to_hold = sqlx::query_scalar("SELECT uuid FROM tickets WHERE event_id = $1 AND id % 4 = $2 % 4")
        .bind(id)
        .bind(i64::try_from(tickets_so_far + 1)?)
        .fetch_all(pool)
        .await?;
    Ok(Event { path: format!("/api/v1/management/events/{uuid}"), to_hold })
}

/// The tickets with the lowest numbers.
async fn tickets(pool: &PgPool, count: usize) -> Result<Vec<TicketId>> {
    let first = sqlx::query_scalar("SELECT uuid FROM tickets WHERE id <= $1 ORDER BY id");
    Ok(first.bind(i64::try_from(count)?).fetch_all(pool).await?)
}
