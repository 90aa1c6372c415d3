//! Faults of the stores and of the records. The tests write the records themselves.

use serde_json::json;
use testbed::{Proxy, eventually, given};

use crate::support::World;

/// Trap 5 of the contract: a record was dropped on any error, and its offset was committed before it was indexed.
#[tokio::test]
async fn a_record_waits_for_elasticsearch_and_its_offset_with_it() {
    let world = World::create().await;
    let elasticsearch = Proxy::start(world.stores.elasticsearch_addr()).await;
    let world = world.with("ELASTICSEARCH_ADDR", &format!("http://{}", elasticsearch.addr));
    world.prepare().await;
    let service = world.serve().await;
    elasticsearch.cut();
    let venue = given::venue(world.pool(), "Freiburg").await;
    let event = given::event(world.pool(), &venue, "Concert", 30).await;
    world.produce_change("events", event.id, 3).await;
    eventually("the batch is retried", async || {
        service.metric("search_feed_retries_total{cause=\"elasticsearch\"").await >= 7.0
    })
    .await;
    assert_eq!(world.committed("events"), Some(0));
    assert_eq!(service.feed().await["state"], "retrying");
    elasticsearch.mend();
    world.assert_index_equals_database().await;
    assert_eq!(world.committed("events"), Some(1));
}

#[tokio::test]
async fn a_record_waits_for_postgresql() {
    let world = World::create().await;
    let postgres = Proxy::start(&world.database.addr()).await;
    let mut world = world;
    world.extra = world.database.environment_at(&postgres.addr);
    world.prepare().await;
    let service = world.serve().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let event = given::event(world.pool(), &venue, "Concert", 30).await;
    postgres.cut();
    world.produce_change("events", event.id, 3).await;
    eventually("the batch is retried", async || {
        service.metric("search_feed_retries_total{cause=\"postgres\"").await >= 1.0
    })
    .await;
    assert_eq!(world.committed("events"), Some(0));
    assert_eq!(service.search(&format!("q={}", world.name)).await["total"], 0, "queries go on");
    postgres.mend();
    world.assert_index_equals_database().await;
}

#[tokio::test]
async fn a_change_waits_until_its_transaction_is_visible() {
    let world = World::prepared().await;
    let service = world.serve().await;
    let mut transaction = world.pool().begin().await.unwrap();
    let (event, number): (i64, i64) = sqlx::query_as(
        "INSERT INTO events (name, date) VALUES ('Late', now() + interval '1 day')
         RETURNING id, pg_current_xact_id()::text::bigint % 4294967296",
    )
    .fetch_one(&mut *transaction)
    .await
    .unwrap();
    world.produce_change("events", event, number.cast_unsigned()).await;
    eventually("the batch is retried", async || {
        service.metric("search_feed_retries_total{cause=\"not_visible_yet\"").await >= 3.0
    })
    .await;
    assert_eq!(world.committed("events"), Some(0));
    transaction.commit().await.unwrap();
    world.assert_index_equals_database().await;
    assert_eq!(world.committed("events"), Some(1));
}

#[tokio::test]
async fn a_transaction_that_a_failover_lost_is_not_awaited() {
    let world = World::prepared().await;
    let _service = world.serve().await;
    let beyond_the_wal = i64::MAX;
    let source = json!({"txId": 4_000_000_000_u32, "lsn": beyond_the_wal, "ts_ms": 1});
    let value = json!({"op": "u", "after": {"id": 1}, "source": source}).to_string();
    world.produce("events", Some(r#"{"id":1}"#), Some(&value)).await;
    world.no_lag().await;
}

#[tokio::test]
async fn an_undecodable_record_is_skipped_and_counted() {
    let world = World::prepared().await;
    let service = world.serve().await;
    let event: i64 =
        sqlx::query_scalar("INSERT INTO events (name, date) VALUES ('After', now() + interval '1 day') RETURNING id")
            .fetch_one(world.pool())
            .await
            .unwrap();
    world.produce("events", Some("{"), Some("nonsense")).await;
    world.produce("events", Some(r#"{"id":1}"#), Some(r#"{"op":"?"}"#)).await;
    world.produce("events", Some(r#"{"id":1}"#), None).await;
    world.produce_change("events", event, 3).await;
    world.assert_index_equals_database().await;
    assert!(service.metric("search_feed_undecodable_total").await >= 2.0);
    assert_eq!(service.feed().await["state"], "running");
}

#[tokio::test]
async fn several_undecodable_records_in_a_row_stop_the_feed_again_after_a_restart() {
    let world = World::prepared().await.with("FEED_STOP_AFTER_UNDECODABLE", "3");
    for _ in 0..3 {
        world.produce("events", Some("{"), Some("nonsense")).await;
    }
    for _ in 0..2 {
        let service = world.serve().await;
        let feed = eventually("the feed stops", async || {
            let feed = service.feed().await;
            (feed["state"] == "stopped").then_some(feed)
        })
        .await;
        assert!(feed["reason"].as_str().unwrap().contains("3 undecodable records in a row"), "{feed}");
        assert!((service.metric("search_feed_stopped").await - 1.0).abs() < 0.5);
        assert_eq!(service.search(&format!("q={}", world.name)).await["total"], 0, "queries go on");
        assert_eq!(world.committed("events"), Some(0));
        service.stop().await;
    }
}

#[tokio::test]
async fn a_sweep_replaces_records_that_expired_unread() {
    let world = World::prepared().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let event = given::event(world.pool(), &venue, "Without a record", 30).await;
    for _ in 0..5 {
        world.produce_change("events", event.id, 3).await;
    }
    world.expire("events").await;
    let service = world.serve().await;
    world.assert_index_equals_database().await;
    assert!(service.metric("search_index_sweeps_total{cause=\"lost_position\"").await >= 1.0);
    assert_eq!(world.committed("events"), Some(5));
    let next = given::event(world.pool(), &venue, "With a record", 30).await;
    world.produce_change("events", next.id, 3).await;
    world.assert_index_equals_database().await;
}

#[tokio::test]
async fn a_group_without_positions_compares_the_whole_index() {
    let world = World::prepared().await;
    given::event(world.pool(), &given::venue(world.pool(), "Freiburg").await, "Without a record", 30).await;
    let world = world.with("KAFKA_CONSUMER_GROUP", &format!("g{}", uuid::Uuid::new_v4().simple()));
    let _service = world.serve().await;
    world.assert_index_equals_database().await;
}

#[tokio::test]
async fn an_emptied_table_empties_the_index() {
    let world = World::create().await;
    given::event(world.pool(), &given::venue(world.pool(), "Freiburg").await, "Concert", 30).await;
    world.prepare().await;
    let _service = world.serve().await;
    world.sql("TRUNCATE events CASCADE").await;
    world.produce("events", None, Some(r#"{"op":"t","source":{"txId":3,"lsn":1}}"#)).await;
    world.assert_index_equals_database().await;
}
