//! The pool and its settings on a real PostgreSQL.

use std::{io::ErrorKind, time::Duration};

use kit::{
    postgres::Pool,
    settings::{Environment, PostgresSettings},
};
use testbed::{Proxy, TestDatabase, eventually};
use tokio::net::{TcpListener, TcpStream};

fn settings(database: &TestDatabase, own: &[(&str, &str)]) -> PostgresSettings {
    settings_of(database.environment(), own)
}

fn settings_of(stores: Vec<(String, String)>, own: &[(&str, &str)]) -> PostgresSettings {
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut env = Environment::from_pairs(stores.into_iter().chain(own));
    let settings = PostgresSettings::read(&mut env);
    env.finish(settings).unwrap()
}

#[tokio::test]
async fn sessions_are_in_the_time_zone_of_the_settings() {
    let database = TestDatabase::create().await;
    let pool = Pool::new(&settings(&database, &[("POSTGRES_TIMEZONE", "Asia/Tokyo")]));
    let timezone: String = sqlx::query_scalar("SHOW timezone").fetch_one(&pool).await.unwrap();
    assert_eq!(timezone, "Asia/Tokyo");
}

#[tokio::test]
async fn only_as_many_idle_connections_are_kept_as_the_settings_allow() {
    let database = TestDatabase::create().await;
    let limits = [("POSTGRES_MAX_OPEN_CONNS", "4"), ("POSTGRES_MAX_IDLE_CONNS", "1")];
    let pool = Pool::new(&settings(&database, &limits));
    let mut used = Vec::new();
    for _ in 0..4 {
        used.push(pool.acquire().await.unwrap());
    }
    let fifth = pool.acquire().await;
    assert!(matches!(fifth, Err(sqlx::Error::PoolTimedOut)), "there is a fifth connection");
    drop(used);
    assert_sessions(&database, 1).await;
}

#[tokio::test]
async fn a_session_that_opens_slowly_serves_the_next_caller() {
    const LONGER_THAN_A_CALL_WAITS: Duration = Duration::from_secs(4);
    let database = TestDatabase::create().await;
    let server = (database.options.get_host().to_owned(), database.options.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                tokio::time::sleep(LONGER_THAN_A_CALL_WAITS).await;
                let mut server = TcpStream::connect(server).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let pool = Pool::new(&settings_of(database.environment_at(&addr), &[]));
    let gave_up = sqlx::query("SELECT 1").execute(&pool).await;
    assert!(matches!(gave_up, Err(sqlx::Error::PoolTimedOut)), "{gave_up:?}");
    sqlx::query("SELECT 1").execute(&pool).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_reported_at_once() {
    let database = TestDatabase::create().await;
    let pool = Pool::new(&settings(&database, &[("POSTGRES_PASSWORD", "guessed")]));
    let refused = sqlx::query("SELECT 1").execute(&pool).await.unwrap_err();
    assert!(matches!(refused, sqlx::Error::Configuration(_)), "{refused:?}");
    assert!(refused.to_string().contains("password authentication failed"), "{refused}");
}

#[tokio::test]
async fn the_answer_to_an_interrupted_query_goes_to_nobody_else() {
    let database = TestDatabase::create().await;
    let pool = Pool::new(&settings(&database, &[("POSTGRES_MAX_OPEN_CONNS", "1")]));
    let asked = async { sqlx::query_scalar::<_, i32>("SELECT 1 FROM pg_sleep(0.3)").fetch_one(&pool).await };
    let interrupted = tokio::time::timeout(Duration::from_millis(100), asked).await;
    assert!(interrupted.is_err(), "{interrupted:?}");
    let answer: i32 = sqlx::query_scalar("SELECT 2").fetch_one(&pool).await.unwrap();
    assert_eq!(answer, 2);
}

#[tokio::test]
async fn one_lost_session_puts_all_others_in_doubt() {
    let database = TestDatabase::create().await;
    let server = format!("{}:{}", database.options.get_host(), database.options.get_port());
    let proxy = Proxy::start(&server).await;
    let pool = Pool::new(&settings_of(database.environment_at(&proxy.addr), &[]));
    let mut used = Vec::new();
    for _ in 0..4 {
        used.push(pool.acquire().await.unwrap());
    }
    drop(used);
    // All sessions are used to the end, so that only the loss puts them in doubt.
    let uses = (0..4).map(|_| sqlx::query("SELECT FROM pg_sleep(0.1)").execute(&pool));
    futures::future::try_join_all(uses).await.unwrap();
    proxy.cut();
    let lost = sqlx::query("SELECT 1").execute(&pool).await;
    assert!(matches!(lost, Err(sqlx::Error::Io(_))), "{lost:?}");
    proxy.mend();
    for _ in 0..4 {
        sqlx::query("SELECT 1").execute(&pool).await.unwrap();
    }
}

#[tokio::test]
async fn sessions_that_the_server_ended_are_replaced_without_an_error() {
    let database = TestDatabase::create().await;
    let pool = Pool::new(&settings(&database, &[]));
    let uses = || (0..4).map(|_| sqlx::query("SELECT FROM pg_sleep(0.1)").execute(&pool));
    futures::future::try_join_all(uses()).await.unwrap();
    sqlx::query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&database.pool)
    .await
    .unwrap();
    // The session was trusted until then.
    sqlx::query("SELECT 1").execute(&pool).await.unwrap_err();
    futures::future::try_join_all(uses()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_silently_went_away_is_given_up_with_all_its_sessions() {
    let database = TestDatabase::create().await;
    let server = format!("{}:{}", database.options.get_host(), database.options.get_port());
    let proxy = Proxy::start(&server).await;
    let pool =
        Pool::new(&settings_of(database.environment_at(&proxy.addr), &[])).answering_within(Duration::from_millis(500));
    let uses = (0..4).map(|_| sqlx::query("SELECT FROM pg_sleep(0.1)").execute(&pool));
    futures::future::try_join_all(uses).await.unwrap();
    proxy.silence();
    let ask = || sqlx::query_scalar::<_, i32>("SELECT pg_backend_pid()").fetch_one(&pool);
    let (first, (second, late)) = tokio::join!(ask(), async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let late = tokio::spawn({
            let pool = pool.clone();
            async move { sqlx::query("SELECT 1").execute(&pool).await }
        });
        // As after a failover: the address leads to another server, and the old sessions lead nowhere.
        tokio::time::sleep(Duration::from_millis(300)).await;
        proxy.mend();
        (ask().await, late.await.unwrap())
    });
    for error in [first.unwrap_err(), late.unwrap_err()] {
        assert!(matches!(&error, sqlx::Error::Io(error) if error.kind() == ErrorKind::TimedOut), "{error:?}");
    }
    // The query that noticed the silence last did not end the new session.
    assert_eq!(ask().await.unwrap(), second.unwrap());
}

/// Waits until the services have this many sessions.
async fn assert_sessions(database: &TestDatabase, wanted: i64) {
    eventually("the services have this many sessions", async || {
        let sessions: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_one(&database.pool)
        .await
        .unwrap();
        if sessions == wanted { Ok(()) } else { Err(format!("there are {sessions}, not {wanted}")) }
    })
    .await;
}
