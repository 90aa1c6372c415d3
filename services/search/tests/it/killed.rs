//! The program is killed in the middle of its work.

use testbed::{Process, Program, eventually, given};

use crate::support::World;

const CHANGES: usize = 10_000;

/// Starts the program itself.
async fn start(world: &World) -> Process {
    let program = Program::new(env!("CARGO_BIN_EXE_search")).arguments(["serve"]).environment(world.environment());
    program.serve().await.unwrap()
}

/// The number of records that are indexed and committed, and of those that are not.
fn progress(world: &World) -> (i64, i64) {
    let positions = world.positions();
    let (done, end) =
        positions.iter().fold((0, 0), |(done, end), one| (done + one.committed.unwrap_or(0), end + one.end));
    (done, end - done)
}

/// Kills the program after more than this many records are done, while others wait.
async fn kill_after(world: &World, program: Process, records: i64) {
    eventually("enough records are done", async || progress(world).0 > records).await;
    program.kill();
    assert!(progress(world).1 > 0, "the kill was in the middle");
}

/// Inserts, updates and deletes events, and renames venues whose seat map is stored out of line. Each change is a
/// transaction of its own. Several connections work at once.
async fn change(world: &World, venues: &[i64]) {
    let workers = (0..4_usize).map(|worker| {
        let (pool, venues) = (world.pool().clone(), venues.to_vec());
        tokio::spawn(async move {
            let mut own_events: Vec<i64> = Vec::new();
            for number in 0..CHANGES / 4 {
                let venue = venues[(number * 7 + worker) % venues.len()];
                match number % 10 {
                    0..=4 => {
                        let insert = "INSERT INTO events (venue_id, name, date, description)
                                      VALUES ($1, $2, now() + interval '30 days', $2) RETURNING id";
                        let name = format!("Concert {worker}/{number}");
                        own_events
                            .push(sqlx::query_scalar(insert).bind(venue).bind(name).fetch_one(&pool).await.unwrap());
                    }
                    5 | 6 => {
                        let id = own_events[number * 31 % own_events.len()];
                        let update = "UPDATE events SET name = $2, venue_id = $3 WHERE id = $1";
                        let name = format!("Renamed {worker}/{number}");
                        sqlx::query(update).bind(id).bind(name).bind(venue).execute(&pool).await.unwrap();
                    }
                    7 | 8 => {
                        let id = own_events.swap_remove(number * 17 % own_events.len());
                        sqlx::query("DELETE FROM events WHERE id = $1").bind(id).execute(&pool).await.unwrap();
                    }
                    _ => {
                        let rename = "UPDATE venues SET location = $2 WHERE id = $1";
                        sqlx::query(rename)
                            .bind(venue)
                            .bind(format!("Town {worker}/{number}"))
                            .execute(&pool)
                            .await
                            .unwrap();
                    }
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_kills_during_ten_thousand_changes_lose_nothing() {
    let mut world = World::prepared().await.with("FEED_BATCH_RECORDS", "50");
    let mut venues = Vec::new();
    for number in 0..200 {
        venues.push(given::venue(world.pool(), &format!("Town {number}")).await.id);
    }
    world.sql("UPDATE venues SET seat_map = (SELECT json_object_agg(gen_random_uuid(), true) FROM generate_series(1, 1500))").await;
    world.connect().await;
    let program = start(&world).await;

    let changes = change(&world, &venues);
    let kills = async {
        kill_after(&world, program, 3_000).await;
        kill_after(&world, start(&world).await, 7_000).await;
    };
    tokio::join!(changes, kills);
    let _program = start(&world).await;
    world.assert_index_equals_database().await;
}
