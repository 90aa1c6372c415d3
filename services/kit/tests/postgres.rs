//! The pool's settings, each seen to work on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test's broken set-up or expectation ends it")]

use std::time::Duration;

use service_kit::settings::{Environment, PostgresSettings};
use test_stores::TestDatabase;

fn settings(database: &TestDatabase, own: &[(&str, &str)]) -> PostgresSettings {
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut env = Environment::from_pairs(database.environment().into_iter().chain(own));
    let settings = PostgresSettings::read(&mut env);
    env.finish(settings).unwrap()
}

#[tokio::test]
async fn sessions_are_in_the_time_zone_of_the_settings() {
    let database = TestDatabase::create().await;
    let pool = service_kit::postgres::pool(&settings(&database, &[("POSTGRES_TIMEZONE", "Asia/Tokyo")]));
    let timezone: String = sqlx::query_scalar("SHOW timezone").fetch_one(&pool).await.unwrap();
    assert_eq!(timezone, "Asia/Tokyo");
}

#[tokio::test]
async fn no_more_connections_are_kept_idle_than_the_settings_say() {
    let database = TestDatabase::create().await;
    let limits = [("POSTGRES_MAX_OPEN_CONNS", "4"), ("POSTGRES_MAX_IDLE_CONNS", "1")];
    let pool = service_kit::postgres::pool(&settings(&database, &limits));
    let mut used = Vec::new();
    for _ in 0..4 {
        used.push(pool.acquire().await.unwrap());
    }
    assert!(pool.try_acquire().is_none(), "there is a fifth connection");
    // One after the other: connections that come back at the same moment do not see each other.
    for left in [4, 3, 2, 1] {
        drop(used.pop());
        let settled = async {
            while pool.size() != left || pool.num_idle() != 1 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), settled).await.unwrap();
    }
}
