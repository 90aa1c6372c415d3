//! From PostgreSQL through Debezium and Kafka into the index.

use reqwest::Client;
use serde_json::json;
use sqlx::PgPool;
use testbed::{
    eventually,
    given::{self, Venue},
};

use crate::support::World;

/// A venue whose seat map is so large that PostgreSQL stores it out of line. The map is random, so that it does not
/// compress.
async fn given_venue_with_large_seat_map(pool: &PgPool, location: &str) -> Venue {
    let venue = given::venue(pool, location).await;
    let seat_map = "SELECT json_object_agg(gen_random_uuid(), true) FROM generate_series(1, 2000)";
    sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE venues SET seat_map = ({seat_map}) WHERE id = $1")))
        .bind(venue.id)
        .execute(pool)
        .await
        .unwrap();
    venue
}

/// Debezium leaves out TRUNCATE unless the connector asks for it.
#[tokio::test]
async fn a_truncated_table_leaves_no_documents() {
    let mut world = World::prepared().await;
    world.connect().await;
    let _service = world.serve().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    given::event(world.pool(), &venue, "Gone with the table", 30).await;
    world.assert_index_equals_database().await;
    world.sql("TRUNCATE events CASCADE").await;
    world.assert_index_equals_database().await;
}

/// Trap 5 of the contract: `r` records were ignored. The index is filled while the table is empty, so the rows have no
/// other records than those of the snapshot.
#[tokio::test]
async fn rows_with_only_snapshot_records_are_indexed() {
    let mut world = World::prepared().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    for number in 0..30 {
        given::event(world.pool(), &venue, &format!("Concert {number}"), 30).await;
    }
    let service = world.serve().await;
    world.connect().await;
    world.assert_index_equals_database().await;
    assert!(service.metric("search_feed_records_total{operation=\"read\"").await >= 31.0);
}

#[tokio::test]
async fn inserts_updates_and_deletes_reach_the_index() {
    let mut world = World::prepared().await;
    world.connect().await;
    let service = world.serve().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let kept = given::event(world.pool(), &venue, "Kept", 30).await;
    let deleted = given::event(world.pool(), &venue, "Deleted", 30).await;
    world.assert_index_equals_database().await;
    world.sql(&format!("UPDATE events SET name = 'Renamed', venue_id = null WHERE id = {}", kept.id)).await;
    world.sql(&format!("DELETE FROM events WHERE id = {}", deleted.id)).await;
    world.assert_index_equals_database().await;
    assert_eq!(service.search(&format!("q=renamed+{}", world.name)).await["total"], 1);
    world
        .sql(
            "INSERT INTO venues (location) VALUES ('Basel'); UPDATE events SET venue_id = (SELECT max(id) FROM venues)",
        )
        .await;
    world.assert_index_equals_database().await;
    // This deletes the venue's events too.
    world.sql("DELETE FROM venues").await;
    world.assert_index_equals_database().await;
}

/// Trap 5 of the contract: the consumer choked on `__debezium_unavailable_value`.
#[tokio::test]
async fn a_venue_renamed_beside_a_large_unchanged_seat_map_moves_all_its_events() {
    let mut world = World::create().await;
    let venue = given_venue_with_large_seat_map(world.pool(), "Old Town").await;
    world
        .sql(&format!(
            "INSERT INTO events (venue_id, date, name) SELECT {}, now() + interval '9 days', 'E' || n FROM generate_series(1, 1203) n",
            venue.id
        ))
        .await;
    world.prepare().await;
    world.connect().await;
    let service = world.serve().await;
    world.assert_index_equals_database().await;
    world.sql("UPDATE venues SET location = 'New Town'").await;
    let record = world.find_record("venues", |record| record["op"] == "u").await;
    assert_eq!(record["after"]["seat_map"], "__debezium_unavailable_value", "the record lacks the large column");
    world.assert_index_equals_database().await;
    assert_eq!(service.search(&format!("q={}+town&size=1", "new")).await["total"], 1203);
}

/// Trap 10 of the contract: an update_by_query for the venue missed events that were not indexed yet.
#[tokio::test]
async fn events_created_while_their_venue_is_renamed_get_its_last_location() {
    let mut world = World::prepared().await;
    world.connect().await;
    let _one = world.serve().await;
    let _two = world.serve().await;
    let venue = given_venue_with_large_seat_map(world.pool(), "Town 0").await;
    let (renaming, creating) = (world.pool().clone(), world.pool().clone());
    let renames = async {
        for number in 1..=60 {
            let rename = sqlx::query("UPDATE venues SET location = $1 WHERE id = $2");
            rename.bind(format!("Town {number}")).bind(venue.id).execute(&renaming).await.unwrap();
        }
    };
    let creations = async {
        for number in 0..120 {
            given::event(&creating, &venue, &format!("Concert {number}"), 30).await;
        }
    };
    tokio::join!(renames, creations);
    world.assert_index_equals_database().await;
}

#[tokio::test]
async fn documents_whose_rows_were_deleted_before_the_snapshot_are_removed_after_it() {
    let mut world = World::create().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let gone = given::event(world.pool(), &venue, "Gone", 30).await;
    given::event(world.pool(), &venue, "Stays", 30).await;
    world.prepare().await;
    let service = world.serve().await;
    world.sql(&format!("DELETE FROM events WHERE id = {}", gone.id)).await;
    world.connect().await;
    world.assert_index_equals_database().await;
    assert!(service.metric("search_index_sweeps_total{cause=\"snapshot\"").await >= 1.0);
}

#[tokio::test]
async fn delay_and_lag_of_the_feed_are_reported() {
    let mut world = World::prepared().await;
    world.connect().await;
    let service = world.serve().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    given::event(world.pool(), &venue, "Concert", 30).await;
    world.assert_index_equals_database().await;
    assert!(service.metric("search_feed_delay_seconds_count").await >= 1.0);
    assert!(service.metric("search_feed_newest_change_timestamp_seconds").await > 1.7e9);
    eventually("no record waits", async || {
        let feed = service.feed().await;
        let partitions = feed["partitions"].as_array()?;
        (feed["state"] == "running" && partitions.iter().all(|one| one["lag_records"] == 0) && partitions.len() >= 2)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_document_with_an_unknown_field_is_refused() {
    let world = World::prepared().await;
    let document = json!({"id": 1, "colour": "red"});
    let answer = Client::new().put(world.elasticsearch("/_doc/1")).json(&document).send().await.unwrap();
    assert_eq!(answer.status(), 400);
}
