//! The clients against the real Kafka Connect, Elasticsearch and PostgreSQL.
use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use ticket_operator::{
    ConnectView, ErrorClass,
    api::SslMode,
    backends::{
        BackendResult,
        connect::{CONNECTOR_CLASS, Connect, HttpConnect},
        elasticsearch::{Elasticsearch, HttpElasticsearch},
        http_client,
        postgres::{Address, Credentials, Postgres, SqlPostgres},
    },
};

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is missing: run `eval \"$(dev/stores/stores env)\"` first"))
}

/// A name no other run of the tests uses.
fn unique(what: &str) -> String {
    format!("operator_{what}_{}_{}", std::process::id(), rand_suffix())
}

fn rand_suffix() -> u32 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos()
}

struct Database {
    name: String,
    url: String,
    address: Address,
    superuser: Credentials,
}

impl Database {
    async fn create() -> Self {
        let url = setting("TEST_POSTGRES_URL");
        let name = unique("db");
        let mut connection = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
        let rest = url.strip_prefix("postgres://").unwrap();
        let (login, place) = rest.rsplit_once('@').unwrap();
        let (username, password) = login.split_once(':').unwrap();
        let (host, port) = place.split_once('/').unwrap().0.rsplit_once(':').unwrap();
        Self {
            url: format!("postgres://{login}@{host}:{port}/{name}"),
            address: Address {
                host: host.into(),
                port: port.parse().unwrap(),
                database: name.clone(),
                ssl_mode: SslMode::Prefer,
            },
            superuser: Credentials { username: username.into(), password: password.into() },
            name,
        }
    }

    async fn execute(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    }

    fn client(&self) -> SqlPostgres {
        SqlPostgres::new(self.address.clone(), self.superuser.clone(), Some(self.superuser.clone()))
    }

    async fn drop(self) {
        self.try_drop().await.unwrap();
    }

    async fn try_drop(&self) -> Result<(), sqlx::Error> {
        let mut connection = PgConnection::connect(&setting("TEST_POSTGRES_URL")).await?;
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map(|_| ())
    }

    /// Drops the database and a slot in it. A connector that was just deleted holds on to its slot, or makes it once more,
    /// until its task has ended.
    async fn drop_with_slot(self, slot: &str) {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            drop_slot_when_free(&self.client(), slot).await;
            match self.try_drop().await {
                Ok(()) => return,
                Err(error) => {
                    let is_slot_in_use =
                        error.as_database_error().is_some_and(|error| error.code() == Some("55006".into()));
                    assert!(is_slot_in_use && tokio::time::Instant::now() < deadline, "{error}");
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
}

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
    database
        .execute(
            "CREATE TABLE _sqlx_migrations (version bigint, checksum bytea, success bool); \
                  INSERT INTO _sqlx_migrations VALUES (1, '\\x0aff', true), (2, '\\x00', false)",
        )
        .await;
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

#[tokio::test]
async fn indexes_show_when_they_were_filled_and_the_alias_moves_in_one_step() {
    let url = setting("TEST_ELASTICSEARCH_URL");
    let http = http_client().unwrap();
    let client = HttpElasticsearch::new(http.clone(), &url);
    let prefix = unique("index");
    let (old, new) = (format!("{prefix}-000000000001"), format!("{prefix}-000000000002"));
    assert!(client.look(&prefix).await.unwrap().indexes.is_empty());
    for (name, meta) in [(&old, json!({"filled_at": "2026-01-01T00:00:00Z"})), (&new, json!({}))] {
        let body = json!({"mappings": {"_meta": meta}, "settings": {"number_of_replicas": 0}});
        let answer = http.put(format!("{url}/{name}")).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
    let view = client.look(&prefix).await.unwrap();
    assert_eq!(view.indexes[&old].as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(view.indexes[&new], None);
    for index in [&old, &new] {
        let from = client.look(&prefix).await.unwrap().alias;
        client.point_alias(&prefix, index, &from).await.unwrap();
        assert_eq!(client.look(&prefix).await.unwrap().alias, BTreeSet::from([index.clone()]));
    }
    client.delete(&[old.clone(), new.clone()]).await.unwrap();
    client.delete(&[old, new]).await.unwrap();
    assert!(client.look(&prefix).await.unwrap().indexes.is_empty());
}

fn connector(database: &Database, name: &str) -> BTreeMap<String, String> {
    [
        ("name", name),
        ("connector.class", CONNECTOR_CLASS),
        ("tasks.max", "1"),
        ("plugin.name", "pgoutput"),
        ("database.hostname", &database.address.host),
        ("database.port", &database.address.port.to_string()),
        ("database.user", &database.superuser.username),
        ("database.password", &database.superuser.password),
        ("database.dbname", &database.address.database),
        ("topic.prefix", name),
        ("slot.name", name),
        ("publication.name", name),
        ("publication.autocreate.mode", "disabled"),
        ("table.include.list", "public.events"),
        ("snapshot.mode", "when_needed"),
        ("topic.creation.default.partitions", "1"),
        ("topic.creation.default.replication.factor", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Repeats a call while its error is transient, as the operator does at its next look: another test's connector makes the
/// worker rebalance, and meanwhile it answers 500.
async fn settled<T>(call: impl AsyncFn() -> BackendResult<T>) -> T {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(error) => {
                assert_eq!(error.class, ErrorClass::Transient, "{error}");
                assert!(tokio::time::Instant::now() < deadline, "{error}");
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Looks until the view is as wanted; the connector takes its time.
async fn look_until(client: &HttpConnect, name: &str, wanted: impl Fn(&ConnectView) -> bool) -> ConnectView {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let view = client.look(name).await;
        if let Ok(view) = &view
            && wanted(view)
        {
            return view.clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "the connector did not get there: {view:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

fn runs(view: &ConnectView) -> bool {
    view.connector
        .as_ref()
        .is_some_and(|found| !found.tasks.is_empty() && found.tasks.iter().all(|task| task.state == "RUNNING"))
}

fn is_stopped(view: &ConnectView) -> bool {
    view.connector.as_ref().is_some_and(|found| found.state == "STOPPED" && found.tasks.is_empty())
}

/// A table with a row, published, and a connector's name; nothing of it is left when the test ends, however it ends.
struct ChangeFeed {
    database: Database,
    postgres: SqlPostgres,
    connect: HttpConnect,
    name: String,
}

async fn with_change_feed(test: impl AsyncFnOnce(&ChangeFeed)) {
    let database = Database::create().await;
    database.execute("CREATE TABLE events (id int primary key); INSERT INTO events VALUES (1)").await;
    let feed = ChangeFeed {
        postgres: database.client(),
        connect: HttpConnect::new(http_client().unwrap(), &setting("TEST_CONNECT_URL")),
        name: unique("feed"),
        database,
    };
    feed.postgres.set_publication(&feed.name, &["public.events".into()], false).await.unwrap();
    let result = std::panic::AssertUnwindSafe(test(&feed)).catch_unwind().await;
    settled(async || feed.connect.delete(&feed.name).await).await;
    feed.database.drop_with_slot(&feed.name).await;
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

impl ChangeFeed {
    async fn start(&self) -> BTreeMap<String, String> {
        let config = connector(&self.database, &self.name);
        settled(async || self.connect.configure(&self.name, &config).await).await;
        look_until(&self.connect, &self.name, runs).await;
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        while !self.connect.has_offsets(&self.name).await.is_ok_and(|has_offsets| has_offsets) {
            assert!(tokio::time::Instant::now() < deadline, "the connector stored no offsets");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        config
    }

    async fn stop(&self) {
        settled(async || self.connect.set_state(&self.name, "stop").await).await;
        look_until(&self.connect, &self.name, is_stopped).await;
    }
}

#[tokio::test]
async fn a_connector_is_configured_stopped_and_removed_with_its_offsets() {
    with_change_feed(async |feed| {
        let (connect, name) = (&feed.connect, &feed.name);
        assert_eq!(settled(async || connect.look(name).await).await, ConnectView::default());
        let config = feed.start().await;
        let seen = settled(async || connect.look(name).await).await.connector.unwrap().config;
        assert_eq!(seen, config, "the whole configuration comes back as it was given");

        feed.stop().await;
        settled(async || connect.delete_offsets(name).await).await;
        assert!(!settled(async || connect.has_offsets(name).await).await);
        settled(async || connect.delete(name).await).await;
        settled(async || connect.delete(name).await).await;
        assert_eq!(settled(async || connect.look(name).await).await, ConnectView::default());
    })
    .await;
}

#[tokio::test]
async fn a_connector_whose_slot_was_lost_recovers_by_itself() {
    with_change_feed(async |feed| {
        feed.start().await;
        feed.stop().await;
        drop_slot_when_free(&feed.postgres, &feed.name).await;
        feed.database.execute("INSERT INTO events VALUES (2)").await;
        settled(async || feed.connect.set_state(&feed.name, "resume").await).await;
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        while !feed.postgres.look("none", &feed.name).await.unwrap().slot.is_some_and(|slot| slot.is_active) {
            let view = settled(async || feed.connect.look(&feed.name).await).await;
            assert!(tokio::time::Instant::now() < deadline, "{view:?}");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        look_until(&feed.connect, &feed.name, runs).await;
    })
    .await;
}

async fn drop_slot_when_free(postgres: &SqlPostgres, slot: &str) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while let Err(error) = postgres.drop_slot(slot).await {
        assert_eq!(error.class, ErrorClass::Conflict, "{error}");
        assert!(tokio::time::Instant::now() < deadline, "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_connector_with_a_bad_name_for_its_slot_is_invalid_and_one_whose_database_is_down_transient() {
    let database = Database::create().await;
    let name = unique("refused");
    let connect = HttpConnect::new(http_client().unwrap(), &setting("TEST_CONNECT_URL"));
    let mut bad = connector(&database, &name);
    bad.insert("slot.name".into(), "Not A Slot!".into());
    let error = connect.configure(&name, &bad).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Invalid, "{error}");
    assert!(error.message.contains("slot.name"), "{error}");

    let mut away = connector(&database, &name);
    away.insert("database.port".into(), "1".into());
    let error = connect.configure(&name, &away).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Transient, "{error}");
    assert_eq!(connect.look(&name).await.unwrap(), ConnectView::default(), "nothing was stored");
    database.drop().await;
}

#[tokio::test]
async fn a_store_that_is_down_is_transient() {
    let connect = HttpConnect::new(http_client().unwrap(), "http://127.0.0.1:1");
    assert_eq!(connect.look("x").await.unwrap_err().class, ErrorClass::Transient);
    let elasticsearch = HttpElasticsearch::new(http_client().unwrap(), "http://127.0.0.1:1");
    assert_eq!(elasticsearch.look("x").await.unwrap_err().class, ErrorClass::Transient);
}
