//! The client against a real Kafka Connect.

use std::{collections::BTreeMap, panic::AssertUnwindSafe};

use futures::FutureExt;
use testbed::{Stores, eventually};
use ticket_operator::{
    ConnectView, ErrorClass,
    backends::{
        BackendResult,
        connect::{CONNECTOR_CLASS, Connect, HttpConnect},
        http_client,
        postgres::Postgres,
    },
};

use crate::{database::Database, unique};

fn client() -> HttpConnect {
    HttpConnect::new(http_client().unwrap(), &Stores::from_environment().connect_url)
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

/// Repeats a call while its error is transient, as the operator does at its next look. The connector of another test
/// makes the worker rebalance, and it answers 500 meanwhile.
async fn settled<T>(call: impl AsyncFn() -> BackendResult<T>) -> T {
    eventually("Kafka Connect answers", async || {
        call().await.inspect_err(|error| assert_eq!(error.class, ErrorClass::Transient, "{error}"))
    })
    .await
}

/// Waits until a look at the connector shows what is wanted.
async fn wait_for(what: &str, connector: &str, is_wanted: impl Fn(&ConnectView) -> bool) {
    let client = client();
    eventually(what, async || {
        let view = client.look(connector).await.map_err(|error| error.to_string())?;
        if is_wanted(&view) { Ok(()) } else { Err(format!("{view:?}")) }
    })
    .await;
}

fn runs(view: &ConnectView) -> bool {
    view.connector
        .as_ref()
        .is_some_and(|found| !found.tasks.is_empty() && found.tasks.iter().all(|task| task.state == "RUNNING"))
}

fn is_stopped(view: &ConnectView) -> bool {
    view.connector.as_ref().is_some_and(|found| found.state == "STOPPED" && found.tasks.is_empty())
}

/// A published table with a row, and the name of a connector. Nothing of them is left when the test ends, whether it
/// passes or fails.
struct ChangeFeed {
    database: Database,
    connect: HttpConnect,
    name: String,
}

async fn with_change_feed(test: impl AsyncFnOnce(&ChangeFeed)) {
    let database = Database::create().await;
    database.execute("CREATE TABLE events (id int primary key); INSERT INTO events VALUES (1)").await;
    let feed = ChangeFeed { database, connect: client(), name: unique("feed") };
    feed.database.client().set_publication(&feed.name, &["public.events".into()], false).await.unwrap();
    let result = AssertUnwindSafe(test(&feed)).catch_unwind().await;
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
        wait_for("the connector runs", &self.name, runs).await;
        eventually("the connector has stored offsets", async || {
            self.connect.has_offsets(&self.name).await.is_ok_and(|has_offsets| has_offsets)
        })
        .await;
        config
    }

    async fn stop(&self) {
        settled(async || self.connect.set_state(&self.name, "stop").await).await;
        wait_for("the connector is stopped", &self.name, is_stopped).await;
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
        feed.database.drop_slot(&feed.name).await;
        feed.database.execute("INSERT INTO events VALUES (2)").await;
        settled(async || feed.connect.set_state(&feed.name, "resume").await).await;
        let postgres = feed.database.client();
        eventually("the connector reads from a new slot", async || {
            postgres.look("none", &feed.name).await.unwrap().slot.is_some_and(|slot| slot.is_active)
        })
        .await;
        wait_for("the connector runs", &feed.name, runs).await;
    })
    .await;
}

#[tokio::test]
async fn a_connector_with_a_bad_name_for_its_slot_is_invalid_and_one_whose_database_is_down_transient() {
    let database = Database::create().await;
    let name = unique("refused");
    let connect = client();
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
async fn a_connect_that_is_down_is_transient() {
    let connect = HttpConnect::new(http_client().unwrap(), "http://127.0.0.1:1");
    assert_eq!(connect.look("x").await.unwrap_err().class, ErrorClass::Transient);
}
