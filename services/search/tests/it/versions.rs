//! A read that saw less never replaces a read that saw more, in whatever order they arrive.

use search::{Reading, Write};
use serde_json::Value;
use testbed::given;

use crate::support::World;

async fn written(world: &World, reading: &Reading) -> (u64, u64, u64) {
    let writes: Vec<Write> = reading
        .events
        .iter()
        .map(|(id, event)| event.clone().map_or(Write::Remove(*id), |event| Write::Put(Box::new(event))))
        .collect();
    let outcome = world.index().write(reading.state.version().unwrap(), &writes).await.unwrap();
    (outcome.written, outcome.removed, outcome.superseded)
}

#[tokio::test]
async fn a_late_write_of_an_old_read_changes_nothing() {
    let world = World::prepared().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let event = given::event(world.pool(), &venue, "Old", 30).await;
    let old = world.rows().with_ids(&[event.id]).await.unwrap();
    world.sql("UPDATE events SET name = 'New'").await;
    let new = world.rows().with_ids(&[event.id]).await.unwrap();
    assert_eq!(written(&world, &new).await, (1, 0, 0));
    assert_eq!(written(&world, &old).await, (0, 0, 1), "409 counts as success");
    assert_eq!(written(&world, &new).await, (1, 0, 0), "the same read again is no conflict");
    let document: Value =
        reqwest::get(world.elasticsearch(&format!("/_doc/{}", event.id))).await.unwrap().json().await.unwrap();
    assert_eq!(document["_source"]["name"], "New");
}

#[tokio::test]
async fn a_late_write_does_not_bring_a_deleted_document_back() {
    let world = World::prepared().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let event = given::event(world.pool(), &venue, "Doomed", 30).await;
    let old = world.rows().with_ids(&[event.id]).await.unwrap();
    world.sql("DELETE FROM events").await;
    let new = world.rows().with_ids(&[event.id]).await.unwrap();
    assert_eq!(written(&world, &new).await, (0, 1, 0), "also when there was no document");
    assert_eq!(written(&world, &old).await, (0, 0, 1));
}

/// A WAL position could be the same for both reads, because a commit is written before it is visible.
#[tokio::test]
async fn reads_around_any_commit_have_different_versions() {
    let world = World::prepared().await;
    let mut before = world.rows().with_ids(&[1]).await.unwrap().state.version().unwrap();
    for _ in 0..20 {
        let mut asynchronous = world.pool().begin().await.unwrap();
        sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *asynchronous).await.unwrap();
        sqlx::query("INSERT INTO events (name, date) VALUES ('X', now())").execute(&mut *asynchronous).await.unwrap();
        asynchronous.commit().await.unwrap();
        let reading = world.rows().with_ids(&[1]).await.unwrap();
        let after = reading.state.version().unwrap();
        assert!(before < after);
        before = after;
        world.rows().wait_until_flushed(&reading.state).await.unwrap();
        let again = world.rows().with_ids(&[1]).await.unwrap();
        let flushed: bool = sqlx::query_scalar("SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn")
            .bind(reading.state.wal_inserted_lsn())
            .fetch_one(world.pool())
            .await
            .unwrap();
        assert!(flushed, "a crash after this forgets no transaction that the version counts");
        before = before.max(again.state.version().unwrap());
    }
}

#[tokio::test]
async fn the_services_role_may_read_everything_that_the_index_needs() {
    let world = World::prepared().await;
    world.sql("GRANT SELECT ON events, venues TO ticket_service").await;
    let mut connection = world.pool().acquire().await.unwrap();
    sqlx::query("SET ROLE ticket_service").execute(&mut *connection).await.unwrap();
    drop(connection);
    world.prepare_with(&world.rows_with(&[("role", "ticket_service")])).await;
}
