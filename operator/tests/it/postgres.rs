//! The client against a real PostgreSQL.

use std::collections::BTreeMap;

use ticket_operator::{
    ErrorClass,
    backends::postgres::{Address, Credentials, Postgres, SqlPostgres},
};

use crate::{database::Database, unique};

#[tokio::test]
async fn an_empty_database_has_no_migrations_publication_or_slot() {
    let database = Database::create().await;
    let view = database.client().look("tickets", &unique("slot")).await.unwrap();
    assert!(view.migrations.is_empty() && view.publication.is_none() && view.slot.is_none());
    database.drop().await;
}

#[tokio::test]
async fn a_publication_is_created_changed_seen_and_dropped() {
    let database = Database::create().await;
    database.execute("CREATE TABLE events (id int primary key); CREATE TABLE venues (id int primary key)").await;
    let client = database.client();
    let tables = |names: &[&str]| names.iter().map(|&name| format!("public.{name}")).collect::<Vec<_>>();
    for (names, exists) in [(&["events"][..], false), (&["events", "venues"][..], true)] {
        client.set_publication("tickets", &tables(names), exists).await.unwrap();
        let seen = client.look("tickets", "none").await.unwrap().publication;
        assert_eq!(seen, Some(tables(names).into_iter().collect()));
    }
    client.drop_publication("tickets").await.unwrap();
    client.drop_publication("tickets").await.unwrap();
    assert_eq!(client.look("tickets", "none").await.unwrap().publication, None);
    database.drop().await;
}

#[tokio::test]
async fn a_publication_of_a_missing_table_is_invalid() {
    let database = Database::create().await;
    let error = database.client().set_publication("tickets", &["public.nothing".into()], false).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Invalid);
    assert!(error.message.contains("42P01"), "{error}");
    database.drop().await;
}

#[tokio::test]
async fn a_slot_is_seen_and_dropped_and_one_that_is_gone_is_no_error() {
    let database = Database::create().await;
    let slot = unique("slot");
    database.execute(&format!("SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")).await;
    let client = database.client();
    assert_eq!(client.look("none", &slot).await.unwrap().slot.map(|slot| slot.is_active), Some(false));
    client.drop_slot(&slot).await.unwrap();
    client.drop_slot(&slot).await.unwrap();
    assert_eq!(client.look("none", &slot).await.unwrap().slot, None);
    database.drop().await;
}

#[tokio::test]
async fn applied_migrations_are_seen_with_their_checksums() {
    let database = Database::create().await;
    database.execute("CREATE TABLE _sqlx_migrations (version bigint, checksum bytea, success bool)").await;
    database.execute("INSERT INTO _sqlx_migrations VALUES (1, '\\x0aff', true), (2, '\\x00', false)").await;
    let seen = database.client().look("none", "none").await.unwrap().migrations;
    assert_eq!(seen, BTreeMap::from([(1, "0aff".to_owned())]));
    database.drop().await;
}

#[tokio::test]
async fn a_wrong_password_is_unauthorized_and_a_closed_port_transient() {
    let database = Database::create().await;
    let wrong = Credentials { username: "nobody_of_that_name".into(), password: "wrong".into() };
    let error = SqlPostgres::new(database.address.clone(), wrong, None).look("p", "s").await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Unauthorized, "{error}");
    let closed = Address { port: 1, ..database.address.clone() };
    let error = SqlPostgres::new(closed, database.superuser.clone(), None).look("p", "s").await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Transient, "{error}");
    database.drop().await;
}
