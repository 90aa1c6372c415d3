//! `search prepare-index`.

use reqwest::Client;
use serde_json::{Value, json};
use testbed::{eventually, given};

use crate::support::World;

async fn meta(world: &World) -> Value {
    let answer = reqwest::get(world.elasticsearch("/_mapping")).await.unwrap();
    let mut answer: Value = answer.json().await.unwrap();
    answer[world.index().name()]["mappings"]["_meta"].take()
}

#[tokio::test]
async fn it_creates_fills_and_marks_the_index_and_positions_the_group() {
    let world = World::create().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    for number in 0..1001 {
        given::event(world.pool(), &venue, &format!("Concert {number}"), 30).await;
    }
    let prepared = world.prepare().await;
    assert_eq!((prepared.index.as_str(), prepared.documents), (world.index().name(), 1001));
    world.assert_index_equals_database().await;
    assert!(world.positions().iter().all(|one| one.committed == Some(0)));
    let meta = meta(&world).await;
    assert!(meta["filled_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(meta["document_shape"], 1);
}

#[tokio::test]
async fn a_repeat_keeps_the_groups_positions_and_corrects_differences() {
    let world = World::create().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let gone = given::event(world.pool(), &venue, "Gone", 30).await;
    given::event(world.pool(), &venue, "Stays", 30).await;
    world.prepare().await;
    let filled_at = meta(&world).await["filled_at"].clone();
    world.sql(&format!("DELETE FROM events WHERE id = {}; UPDATE venues SET location = 'Basel'", gone.id)).await;
    world.produce_change("events", 1, 3).await;
    assert_eq!(world.prepare().await.documents, 1);
    assert_eq!(world.committed("events"), Some(0), "the record still waits to be read");
    assert_eq!(meta(&world).await["filled_at"], filled_at);
    let service = world.serve().await;
    world.assert_index_equals_database().await;
    service.stop().await;
}

#[tokio::test]
async fn an_index_of_another_database_is_taken_out_of_service_and_built_again() {
    let world = World::create().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let event = given::event(world.pool(), &venue, "Concert", 30).await;
    world.prepare().await;
    let origin = json!({"_meta": {"document_shape": 1, "filled_at": "2026-01-01T00:00:00Z",
        "origin": {"system_identifier": "1", "timeline": 1}}});
    Client::new().put(world.elasticsearch("/_mapping")).json(&origin).send().await.unwrap();
    let service = world.start().await;
    world.produce_change("events", event.id, 3).await;
    eventually("the index is taken out of service", async || meta(&world).await["filled_at"].is_null().then_some(()))
        .await;
    eventually("the service is not ready", async || service.get("/readyz").await.status() == 503).await;
    world.prepare().await;
    assert_ne!(meta(&world).await["origin"]["system_identifier"], "1");
    service.ready().await;
    world.assert_index_equals_database().await;
}
