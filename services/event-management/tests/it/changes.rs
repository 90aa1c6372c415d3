//! A change, however it was made, shows on every replica within two seconds.

use std::time::Instant;

use serde_json::Value;
use testbed::{NotificationProxy, Stores, TestDatabase, eventually, given};

use crate::service::{SHOWS_WITHIN, Service, execute, redis};

type Check = fn(&Value) -> bool;

/// An event with all its parts.
async fn given_a_full_event(db: &TestDatabase) -> given::Event {
    let event = given::event(&db.pool, &given::venue(&db.pool, "Berlin").await, "Show", 3).await;
    given::tickets(&db.pool, &event, 2).await;
    execute(
        &db.pool,
        "INSERT INTO performers (name, age) VALUES ('Ada', 36);
         INSERT INTO event_performers SELECT events.id, performers.id FROM events, performers",
    )
    .await;
    event
}

#[tokio::test]
async fn a_change_by_sql_shows_on_both_replicas_within_two_seconds() {
    let db = TestDatabase::create().await;
    let event = given_a_full_event(&db).await;
    let replicas = [Service::start(&db).await, Service::start(&db).await];
    let changes: &[(&str, Check)] = &[
        ("UPDATE events SET name = 'Renamed'", |page| page["name"] == "Renamed"),
        ("UPDATE events SET description = NULL", |page| page.get("description").is_none()),
        ("UPDATE venues SET location = 'Bonn'", |page| page["venue"]["location"] == "Bonn"),
        ("UPDATE venues SET seat_map = '{\"Z9\": true}'", |page| page["venue"]["seat_map"]["Z9"] == true),
        ("UPDATE performers SET age = 37", |page| page["performers"][0]["age"] == 37),
        ("UPDATE tickets SET price = 1", |page| page["tickets"][0]["price"] == 1),
        ("UPDATE tickets SET status = 'booked'", |page| page["tickets"][1]["status"] == "booked"),
        ("INSERT INTO tickets (event_id, price, seat) SELECT id, 5, 'New' FROM events", |page| {
            page["tickets"][2]["seat"] == "New"
        }),
        ("DELETE FROM tickets", |page| page.get("tickets").is_none()),
        ("DELETE FROM event_performers", |page| page.get("performers").is_none()),
        ("UPDATE events SET venue_id = NULL", |page| page.get("venue").is_none()),
        ("DELETE FROM events", |page| page["error"] == "event_not_found"),
    ];
    for (change, shown) in changes {
        for replica in &replicas {
            replica.event(event.uuid).await;
        }
        execute(&db.pool, change).await;
        let committed = Instant::now();
        for replica in &replicas {
            replica.time_until(event.uuid, shown).await;
            assert!(committed.elapsed() < SHOWS_WITHIN, "{change}: {:?}", committed.elapsed());
        }
    }
}

#[tokio::test]
async fn an_event_shows_as_soon_as_it_exists() {
    let db = TestDatabase::create().await;
    let service = Service::start(&db).await;
    let uuid = uuid::Uuid::new_v4().to_string();
    assert_eq!(service.event(&uuid).await.status(), 404);
    execute(&db.pool, &format!("INSERT INTO events (uuid, date, name) VALUES ('{uuid}', now(), 'New')")).await;
    assert_eq!(service.page(&uuid).await["name"], "New");
}

/// A loader that read before a change must not store its result after the change was received.
#[tokio::test]
async fn details_read_before_a_change_are_not_kept_after_it() {
    let db = TestDatabase::create().await;
    let event = given_a_full_event(&db).await;
    let service = Service::start(&db).await;
    let heard = service.metric("event_changes_total").await;

    // The loader has read the event and waits for its tickets …
    let mut lock = db.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE tickets IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let loading = service.event(event.uuid);
    let meanwhile = async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        eventually("the loader waits for the lock", async || {
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *lock).await.unwrap() > 0
        })
        .await;
        // … while the event changes, and the service hears of the change.
        execute(&db.pool, "UPDATE events SET name = 'Renamed'").await;
        eventually("the service hears of the change", async || service.metric("event_changes_total").await > heard)
            .await;
        lock.commit().await.unwrap();
    };
    let (late, ()) = tokio::join!(loading, meanwhile);
    assert_eq!(late.json::<Value>().await.unwrap()["name"], "Show", "the loader did not read before the change");

    let stored: Option<String> =
        redis::cmd("GET").arg(format!("event:{}", event.uuid)).query_async(&mut redis().await).await.unwrap();
    assert!(!stored.unwrap_or_default().contains("\"Show\""), "the old event went to Redis after the change");
    assert_eq!(service.page(event.uuid).await["name"], "Renamed");
}

#[tokio::test]
async fn changes_made_while_the_listener_was_away_show_at_once_when_it_is_back() {
    let db = TestDatabase::create().await;
    let event = given_a_full_event(&db).await;
    let proxy = NotificationProxy::start(&db.addr()).await;
    let service = Service::start_with(db.environment_at(&proxy.addr), &Stores::from_environment().redis_addr).await;
    service.hears().await;
    service.page(event.uuid).await;
    proxy.cut();
    execute(&db.pool, "UPDATE events SET name = 'Renamed'").await;
    let took = service.time_until(event.uuid, |page| page["name"] == "Renamed").await;
    assert!(took < SHOWS_WITHIN, "{took:?}");
    proxy.mend();
    service.hears().await;
    assert_eq!(service.page(event.uuid).await["name"], "Renamed");
}

/// A connection whose other end vanished looks alive for minutes.
#[tokio::test]
async fn a_change_shows_within_two_seconds_although_the_listener_silently_hangs() {
    let db = TestDatabase::create().await;
    let event = given_a_full_event(&db).await;
    let proxy = NotificationProxy::start(&db.addr()).await;
    let service = Service::start_with(db.environment_at(&proxy.addr), &Stores::from_environment().redis_addr).await;
    service.hears().await;
    service.page(event.uuid).await;
    proxy.silence();
    for name in ["Once", "Twice"] {
        execute(&db.pool, &format!("UPDATE events SET name = '{name}'")).await;
        let took = service.time_until(event.uuid, |page| page["name"] == name).await;
        assert!(took < SHOWS_WITHIN, "{name}: {took:?}");
    }
    proxy.mend();
    service.hears().await;
}
