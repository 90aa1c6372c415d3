//! The demonstration data fits the schema.

use testbed::TestDatabase;

const DEMO: &str = include_str!("../../../examples/demo/demo.sql");

/// Events ahead of now, tickets, the largest event's tickets, booked tickets.
async fn counts(db: &TestDatabase) -> (i64, i64, i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM events WHERE date > now()),
                (SELECT count(*) FROM tickets),
                (SELECT max(count) FROM (SELECT count(*) FROM tickets GROUP BY event_id) AS sizes),
                (SELECT count(*) FROM tickets WHERE status = 'booked')",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn the_demonstration_data_can_be_loaded_again_without_losing_what_was_sold() {
    let db = TestDatabase::create().await;
    sqlx::raw_sql(DEMO).execute(&db.pool).await.unwrap();
    let (ahead, tickets, largest, _) = counts(&db).await;
    assert_eq!((ahead, largest), (12, 2000));
    let seat = "c3a9e0d4-7f52-4b1b-b6a8-000000000001/A1";
    let sold = "UPDATE tickets SET status = 'booked' WHERE uuid = md5($1)::uuid::text";
    let sold = sqlx::query(sold).bind(seat).execute(&db.pool).await.unwrap();
    assert_eq!(sold.rows_affected(), 1, "tickets are named by event and seat");
    sqlx::query("UPDATE events SET date = '2020-01-01' WHERE name = 'Open Stage'").execute(&db.pool).await.unwrap();
    sqlx::raw_sql(DEMO).execute(&db.pool).await.unwrap();
    assert_eq!(counts(&db).await, (12, tickets, 2000, 1));
}

#[tokio::test]
async fn each_ticket_of_the_demonstration_has_its_seat_on_its_venues_map() {
    let db = TestDatabase::create().await;
    sqlx::raw_sql(DEMO).execute(&db.pool).await.unwrap();
    let without: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM tickets JOIN events ON events.id = event_id JOIN venues ON venues.id = venue_id
         WHERE seat_map -> seat IS NULL",
    )
    .fetch_one(&db.pool)
    .await
    .unwrap();
    assert_eq!(without, 0);
}
