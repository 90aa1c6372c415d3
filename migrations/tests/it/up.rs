//! Applying: order, failures and what they leave, locks, checksums.

use std::time::{Duration, Instant};

use release::JobExit;
use sqlx::{Connection, PgConnection};
use testbed::{TestDatabase, eventually};
use ticket_migrate::{FileState, Kind};

use crate::Folder;

async fn connection(db: &TestDatabase) -> PgConnection {
    PgConnection::connect_with(&db.options).await.unwrap()
}

async fn exists(db: &TestDatabase, relation: &str) -> bool {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(relation).fetch_one(&db.pool).await.unwrap()
}

#[tokio::test]
async fn each_kind_is_applied_alone_and_all_means_before_then_after() {
    let db = TestDatabase::create().await;
    let mut conn = connection(&db).await;
    let migrations = Folder::with(&[
        ("after/9001_contract.sql", "DROP TABLE old_one"),
        ("before/9002_expand.sql", "CREATE TABLE old_one (); CREATE TABLE new_one ()"),
        ("after/9003_contract.sql", "DROP TABLE new_one"),
    ])
    .migrations();
    let outcome = migrations.up(&mut conn, Kind::Before).await.unwrap();
    assert_eq!((outcome.applied, outcome.pending), (vec![9002], vec![9001, 9003]));
    let outcome = migrations.up(&mut conn, Kind::Before).await.unwrap();
    assert_eq!((outcome.applied, outcome.pending), (vec![], vec![9001, 9003]));
    let outcome = migrations.up(&mut conn, Kind::All).await.unwrap();
    assert_eq!((outcome.applied, outcome.pending), (vec![9001, 9003], vec![]));
}

#[tokio::test]
async fn a_failing_file_leaves_no_trace_and_is_named_with_its_statement_and_code() {
    let db = TestDatabase::create().await;
    let mut conn = connection(&db).await;
    let wrong = "ALTER TABLE tickets ADD CONSTRAINT tickets_discount_check CHECK (discount >= 0)";
    let migrations = Folder::with(&[
        ("before/9001_good.sql", "CREATE TABLE good ()"),
        ("before/9002_bad.sql", &format!("-- é first\nCREATE TABLE half_done ();\n{wrong};\nCREATE TABLE never ();")),
        ("before/9003_later.sql", "CREATE TABLE later ()"),
    ])
    .migrations();
    let interrupted = migrations.up(&mut conn, Kind::Before).await.unwrap_err();
    assert_eq!((interrupted.outcome.applied, interrupted.outcome.pending), (vec![9001], vec![9002, 9003]));
    let error = interrupted.error;
    assert_eq!(error.exit, JobExit::Failed);
    assert_eq!(error.details.file.as_deref(), Some("before/9002_bad.sql"));
    assert_eq!(error.details.statement.as_deref(), Some(wrong));
    assert_eq!(error.details.sqlstate.as_deref(), Some("42703"));
    assert!(exists(&db, "good").await && !exists(&db, "half_done").await && !exists(&db, "later").await);
}

#[tokio::test]
async fn an_error_without_a_position_is_traced_to_its_statement() {
    let db = TestDatabase::create().await;
    let mut conn = connection(&db).await;
    let wrong = "INSERT INTO performers (name, age) SELECT 'nobody; really', -1";
    let sql = format!("INSERT INTO performers (name, age) VALUES ('x', 1); {wrong}; SELECT 1;");
    let migrations = Folder::with(&[("before/9001_bad.sql", &sql)]).migrations();
    let error = migrations.up(&mut conn, Kind::Before).await.unwrap_err().error;
    assert_eq!((error.details.sqlstate.as_deref(), error.details.statement.as_deref()), (Some("23514"), Some(wrong)));
    let performers: i64 = sqlx::query_scalar("SELECT count(*) FROM performers").fetch_one(&db.pool).await.unwrap();
    assert_eq!(performers, 0, "the search for the statement left something behind");
}

#[tokio::test]
async fn a_file_that_was_edited_after_it_was_applied_is_refused_by_name() {
    let db = TestDatabase::create().await;
    let mut conn = connection(&db).await;
    let folder = Folder::with(&[("before/9001_a.sql", "CREATE TABLE a ()")]);
    folder.migrations().up(&mut conn, Kind::All).await.unwrap();
    std::fs::write(folder.0.join("before/9001_a.sql"), "CREATE TABLE b ()").unwrap();
    std::fs::write(folder.0.join("before/9002_c.sql"), "CREATE TABLE c ()").unwrap();
    let error = folder.migrations().up(&mut conn, Kind::All).await.unwrap_err().error;
    assert_eq!((error.exit, error.details.file.as_deref()), (JobExit::Failed, Some("before/9001_a.sql")));
    assert!(!exists(&db, "c").await);
    let status = folder.migrations().status(&mut conn).await.unwrap();
    let states: Vec<_> = status.files.iter().filter(|file| file.version > 9000).map(|file| file.state).collect();
    assert_eq!(states, [FileState::Changed, FileState::Pending]);
}

#[tokio::test]
async fn files_that_this_release_does_not_know_are_tolerated_and_listed() {
    let db = TestDatabase::create().await;
    let mut conn = connection(&db).await;
    let migrations = Folder::with(&[("before/9001_a.sql", "SELECT 1")]).migrations();
    migrations.up(&mut conn, Kind::All).await.unwrap();
    let status = migrations.status(&mut conn).await.unwrap();
    let unknown = status.files.iter().filter(|file| file.state == FileState::Unknown).count();
    assert!(unknown >= 3, "{status}");
    assert!(status.to_string().contains("applied   before/9001_a.sql"), "{status}");
}

#[tokio::test]
async fn a_table_in_use_is_not_queued_for_longer_than_the_lock_timeout() {
    let db = TestDatabase::create().await;
    let mut reader = db.pool.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM events").execute(&mut *reader).await.unwrap();
    let mut conn = connection(&db).await;
    let migrations = Folder::with(&[("before/9001_a.sql", "ALTER TABLE events ADD COLUMN a text")]).migrations();
    let limit = Duration::from_millis(300);
    let started = Instant::now();
    let error = migrations.up_within(&mut conn, Kind::All, limit).await.unwrap_err().error;
    assert_eq!((error.exit, error.details.sqlstate.as_deref()), (JobExit::Unreachable, Some("55P03")));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    reader.rollback().await.unwrap();
    migrations.up_within(&mut conn, Kind::All, limit).await.unwrap();
}

#[tokio::test]
async fn of_two_runs_at_once_one_works_and_the_other_finds_nothing_to_do() {
    let db = TestDatabase::create().await;
    let (mut one, mut other) = (connection(&db).await, connection(&db).await);
    // Building the index waits for every older snapshot: a second run that waited inside PostgreSQL would stop it.
    let migrations = Folder::with(&[
        ("before/9001_slow.sql", "CREATE TABLE slow AS SELECT 1 AS a FROM pg_sleep(0.5)"),
        ("before/9002_index.sql", "-- no-transaction\nCREATE INDEX CONCURRENTLY slow_idx ON slow (a); ANALYZE slow;"),
    ])
    .migrations();
    let (one, other) = tokio::join!(migrations.up(&mut one, Kind::All), migrations.up(&mut other, Kind::All));
    let mut applied = [one.unwrap().applied, other.unwrap().applied];
    applied.sort();
    assert_eq!(applied, [vec![], vec![9001, 9002]]);
}

#[tokio::test]
async fn a_run_that_outlasts_the_lock_timeout_makes_the_next_one_give_up_for_now() {
    let db = TestDatabase::create().await;
    let (mut slow, mut late) = (connection(&db).await, connection(&db).await);
    let migrations = Folder::with(&[("before/9001_slow.sql", "SELECT pg_sleep(2)")]).migrations();
    let running = migrations.clone();
    let running = tokio::spawn(async move { running.up(&mut slow, Kind::All).await });
    let begun = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    eventually("the slow run has the lock", async || {
        sqlx::query_scalar::<_, bool>(begun).fetch_one(&db.pool).await.unwrap()
    })
    .await;
    let error = migrations.up_within(&mut late, Kind::All, Duration::from_millis(200)).await.unwrap_err().error;
    assert_eq!(error.exit, JobExit::Unreachable, "{error:?}");
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_file_without_a_transaction_names_the_statement_that_failed() {
    let db = TestDatabase::create().await;
    let mut conn = connection(&db).await;
    let sql = "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a_idx ON events (name);\nCREATE INDEX CONCURRENTLY b_idx ON nowhere (b);";
    let migrations = Folder::with(&[("before/9001_index.sql", sql)]).migrations();
    let error = migrations.up(&mut conn, Kind::All).await.unwrap_err().error;
    assert_eq!(error.details.statement.as_deref(), Some("CREATE INDEX CONCURRENTLY b_idx ON nowhere (b)"));
    assert_eq!(error.details.sqlstate.as_deref(), Some("42P01"));
    assert!(exists(&db, "a_idx").await);
}

#[test]
fn files_that_would_be_skipped_or_collide_are_refused() {
    let load = |files| ticket_migrate::Migrations::load(&Folder::with(files).0).unwrap_err().to_string();
    assert!(load(&[("before/no_number.sql", "")]).contains("NNNN_name.sql"));
    assert!(load(&[("before/9001_a.sql", ""), ("after/9001_b.sql", "")]).contains("same number"));
}
