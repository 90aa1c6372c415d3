//! The schema is the contract's.

use std::collections::BTreeSet;

use testbed::{TestDatabase, given};

/// `table.column type [null]` of the contract's tables.
const COLUMNS: &[&str] = &[
    "venues.id bigint",
    "venues.uuid text",
    "venues.location text",
    "venues.seat_map json",
    "venues.created_at timestamp with time zone",
    "venues.updated_at timestamp with time zone",
    "performers.id bigint",
    "performers.uuid text",
    "performers.name text",
    "performers.age bigint",
    "performers.description text null",
    "performers.created_at timestamp with time zone",
    "performers.updated_at timestamp with time zone",
    "events.id bigint",
    "events.uuid text",
    "events.venue_id bigint null",
    "events.date timestamp with time zone",
    "events.name text",
    "events.description text null",
    "events.created_at timestamp with time zone",
    "events.updated_at timestamp with time zone",
    "event_performers.event_id bigint",
    "event_performers.performer_id bigint",
    "tickets.id bigint",
    "tickets.uuid text",
    "tickets.event_id bigint",
    "tickets.price bigint",
    "tickets.seat text",
    "tickets.status text",
    "tickets.created_at timestamp with time zone",
    "tickets.updated_at timestamp with time zone",
];

#[tokio::test]
async fn the_contracts_columns_have_their_types() {
    let db = TestDatabase::create().await;
    let found: BTreeSet<String> = sqlx::query_scalar(
        "SELECT table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END
         FROM information_schema.columns WHERE table_schema = 'public'",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap()
    .into_iter()
    .collect();
    let missing: Vec<_> = COLUMNS.iter().filter(|column| !found.contains(**column)).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
}

#[tokio::test]
async fn the_contracts_columns_lead_an_index() {
    let db = TestDatabase::create().await;
    let indexed: BTreeSet<String> = sqlx::query_scalar(
        "SELECT class.relname || '.' || attribute.attname
         FROM pg_index AS index
         JOIN pg_class AS class ON class.oid = index.indrelid AND class.relnamespace = 'public'::regnamespace
         JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum = index.indkey[0]",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap()
    .into_iter()
    .collect();
    for column in [
        "venues.location",
        "performers.name",
        "events.venue_id",
        "events.date",
        "events.name",
        "event_performers.event_id",
        "event_performers.performer_id",
        "tickets.event_id",
        "tickets.seat",
        "tickets.status",
    ] {
        assert!(indexed.contains(column), "{column}");
    }
}

#[tokio::test]
async fn deleting_a_venue_deletes_its_events_and_tickets_but_not_what_was_sold() {
    let db = TestDatabase::create().await;
    let venue = given::venue(&db.pool, "Berlin").await;
    let event = given::event(&db.pool, &venue, "Gone", 3).await;
    let ticket = given::tickets(&db.pool, &event, 1).await.remove(0);
    sqlx::query(
        "WITH sold AS (
            INSERT INTO orders (user_uuid, event_id, state, payment_provider, amount)
            VALUES (gen_random_uuid()::text, $1, 'booked', 'free', 0) RETURNING id)
         INSERT INTO order_tickets (order_id, ticket_id, ticket_uuid, seat, price)
         SELECT sold.id, tickets.id, tickets.uuid, seat, price FROM sold, tickets WHERE tickets.id = $2",
    )
    .bind(event.id)
    .bind(ticket.id)
    .execute(&db.pool)
    .await
    .unwrap();
    sqlx::query("DELETE FROM venues").execute(&db.pool).await.unwrap();
    let left: (i64, i64) = sqlx::query_as("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM tickets)")
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(left, (0, 0));
    let sold: Vec<(Option<i64>, String)> =
        sqlx::query_as("SELECT ticket_id, ticket_uuid FROM order_tickets").fetch_all(&db.pool).await.unwrap();
    assert_eq!(sold, [(None, ticket.uuid.to_string())]);
}

#[tokio::test]
async fn rows_that_no_service_could_show_or_sell_are_refused() {
    let db = TestDatabase::create().await;
    let venue = given::venue(&db.pool, "Berlin").await;
    let event = given::event(&db.pool, &venue, "Show", 3).await;
    given::tickets(&db.pool, &event, 1).await;
    for (statement, constraint) in [
        (
            "INSERT INTO tickets (event_id, price, seat) SELECT event_id, price, seat FROM tickets",
            "tickets_event_id_seat_key",
        ),
        ("UPDATE tickets SET price = -1", "tickets_price_not_negative"),
        ("UPDATE tickets SET status = 'reserved'", "tickets_status_known"),
        ("UPDATE tickets SET uuid = upper(uuid)", "tickets_uuid_canonical"),
        ("UPDATE events SET date = 'infinity'", "events_date_writable"),
        ("UPDATE events SET date = '2026-01-01 00:00:00 BC'", "events_date_writable"),
        ("UPDATE venues SET seat_map = '[]'", "venues_seat_map_object"),
    ] {
        let error = sqlx::query(statement).execute(&db.pool).await.unwrap_err();
        let violated = error.as_database_error().and_then(|error| error.constraint());
        assert_eq!(violated, Some(constraint), "{statement}");
    }
}

#[tokio::test]
async fn a_change_moves_updated_at() {
    let db = TestDatabase::create().await;
    let venue = given::venue(&db.pool, "Berlin").await;
    sqlx::query("UPDATE venues SET location = 'Bonn', updated_at = 'epoch'").execute(&db.pool).await.unwrap();
    let moved: bool = sqlx::query_scalar("SELECT updated_at > created_at FROM venues WHERE id = $1")
        .bind(venue.id)
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert!(moved);
}
