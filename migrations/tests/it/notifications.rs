//! Every change of what an event's page shows is announced, and a sale is not.

use std::{collections::BTreeSet, time::Duration};

use sqlx::postgres::PgListener;
use testbed::{TestDatabase, given};

/// Runs the statement (`$EVENT`, `$VENUE` stand for ids) and returns what was announced until it had been committed.
async fn announced(db: &TestDatabase, statements: &[&str]) -> BTreeSet<String> {
    let mut listener = PgListener::connect_with(&db.pool).await.unwrap();
    listener.listen("event_changed").await.unwrap();
    let mut transaction = db.pool.begin().await.unwrap();
    for statement in statements {
        sqlx::raw_sql(sqlx::AssertSqlSafe((*statement).to_owned())).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    // Notifications arrive in order of commit: what comes before this one is all there is.
    sqlx::query("SELECT pg_notify('event_changed', 'end')").execute(&db.pool).await.unwrap();
    let mut payloads = BTreeSet::new();
    loop {
        let notification = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await.unwrap().unwrap();
        if notification.payload() == "end" {
            return payloads;
        }
        payloads.insert(notification.payload().to_owned());
    }
}

/// One event with all its parts, and another that must stay silent.
async fn given_two_events(db: &TestDatabase) -> String {
    let silent = given::event(&db.pool, &given::venue(&db.pool, "Elsewhere").await, "Silent", 3).await;
    given::tickets(&db.pool, &silent, 2).await;
    let event = given::event(&db.pool, &given::venue(&db.pool, "Berlin").await, "Loud", 3).await;
    given::tickets(&db.pool, &event, 2).await;
    sqlx::raw_sql(
        "INSERT INTO performers (name, age) VALUES ('Ada', 36), ('Bob', 40);
         INSERT INTO event_performers SELECT events.id, performers.id FROM events, performers
         WHERE events.name = 'Loud' AND performers.name = 'Ada';",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    event.uuid.to_string()
}

#[tokio::test]
async fn a_change_of_any_part_announces_its_event_and_no_other() {
    let db = TestDatabase::create().await;
    let uuid = given_two_events(&db).await;
    for change in [
        "UPDATE events SET name = name || '!' WHERE name = 'Loud'",
        "UPDATE venues SET location = 'Bonn' WHERE location = 'Berlin'",
        "UPDATE performers SET age = age + 1 WHERE name = 'Ada'",
        "INSERT INTO event_performers SELECT events.id, performers.id FROM events, performers WHERE events.name = 'Loud!' AND performers.name = 'Bob'",
        "DELETE FROM event_performers USING performers WHERE performer_id = performers.id AND name = 'Bob'",
        "DELETE FROM performers WHERE name = 'Ada'",
        "UPDATE tickets SET price = 1 WHERE event_id = (SELECT id FROM events WHERE name = 'Loud!')",
        "UPDATE tickets SET status = 'booked' WHERE event_id = (SELECT id FROM events WHERE name = 'Loud!')",
        "INSERT INTO tickets (event_id, price, seat) SELECT id, 1, 'Z' || g FROM events, generate_series(1, 2000) AS g WHERE name = 'Loud!'",
        "DELETE FROM tickets WHERE seat = 'Z1'",
        "DELETE FROM venues WHERE location = 'Bonn'",
    ] {
        assert_eq!(announced(&db, &[change]).await, BTreeSet::from([uuid.clone()]), "{change}");
    }
}

#[tokio::test]
async fn what_shows_on_no_page_is_not_announced() {
    let db = TestDatabase::create().await;
    given_two_events(&db).await;
    for silent in [
        "INSERT INTO events (date, name) VALUES (now(), 'New')",
        "UPDATE performers SET age = 41 WHERE name = 'Bob'",
        "UPDATE tickets SET price = 1 WHERE false",
    ] {
        assert_eq!(announced(&db, &[silent]).await, BTreeSet::new(), "{silent}");
    }
}

#[tokio::test]
async fn a_sale_is_silent() {
    let db = TestDatabase::create().await;
    given_two_events(&db).await;
    let sale = ["SET LOCAL ticket_platform.sale = 'on'", "UPDATE tickets SET status = 'booked'"];
    assert_eq!(announced(&db, &sale).await, BTreeSet::new());
    assert_eq!(
        announced(&db, &["UPDATE tickets SET status = 'available'"]).await.len(),
        2,
        "only inside the sale's transaction"
    );
}

#[tokio::test]
async fn a_moved_ticket_announces_both_events() {
    let db = TestDatabase::create().await;
    given_two_events(&db).await;
    let moved = "UPDATE tickets SET event_id = (SELECT id FROM events WHERE name = 'Silent'), seat = 'moved'
                 WHERE id = (SELECT min(tickets.id) FROM tickets JOIN events ON events.id = event_id WHERE name = 'Loud')";
    assert_eq!(announced(&db, &[moved]).await.len(), 2);
}

#[tokio::test]
async fn more_than_a_thousand_events_at_once_are_announced_as_all() {
    let db = TestDatabase::create().await;
    given_two_events(&db).await;
    let many = "INSERT INTO events (venue_id, date, name) SELECT min(venues.id), now(), 'Many' FROM venues, generate_series(1, 1500) AS g GROUP BY g";
    assert_eq!(announced(&db, &[many]).await, BTreeSet::new());
    let all = BTreeSet::from(["*".to_owned()]);
    assert_eq!(announced(&db, &["UPDATE venues SET location = 'Everywhere'"]).await, all);
    assert_eq!(announced(&db, &["TRUNCATE event_performers"]).await, all);
}
