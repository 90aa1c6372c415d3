//! A Debezium connector for one test.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use testbed::eventually;

use super::World;

impl World {
    /// Creates a connector for the test's database. Debezium begins with a snapshot.
    pub(crate) async fn connect(&mut self) {
        self.connected = true;
        let name = &self.name;
        self.sql(&format!("CREATE PUBLICATION {name} FOR TABLE events, venues")).await;
        let environment = self.database.environment();
        let setting = |wanted: &str| environment.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
        let config = json!({
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "tasks.max": "1",
            "plugin.name": "pgoutput",
            "database.hostname": setting("POSTGRES_HOST"),
            "database.port": setting("POSTGRES_PORT"),
            "database.user": setting("POSTGRES_USER"),
            "database.password": setting("POSTGRES_PASSWORD"),
            "database.dbname": setting("POSTGRES_DBNAME"),
            "topic.prefix": name,
            "slot.name": name,
            "publication.name": name,
            "publication.autocreate.mode": "disabled",
            "table.include.list": "public.events,public.venues",
            "snapshot.mode": "initial",
            "tombstones.on.delete": "true",
            "skipped.operations": "none",
            "poll.interval.ms": "50",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": "false",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
        });
        let url = format!("{}/connectors/{name}/config", self.stores.connect_url);
        // Connect answers 409 while it rebalances for another test's connector.
        eventually("Connect accepts the connector", async || {
            let response = Client::new().put(&url).json(&config).send().await.unwrap();
            let status = response.status();
            assert!(status.is_success() || status == StatusCode::CONFLICT, "{}", response.text().await.unwrap());
            status.is_success().then_some(())
        })
        .await;
        eventually("the connector streams", async || {
            let active: Option<bool> =
                sqlx::query_scalar("SELECT active FROM pg_replication_slots WHERE slot_name = $1")
                    .bind(name)
                    .fetch_optional(self.pool())
                    .await
                    .unwrap();
            active.filter(|active| *active)
        })
        .await;
    }

    /// Removes the connector, its offsets and its replication slot. In this order nothing of it is left for a later
    /// connector of the same name.
    pub(crate) async fn remove_connector(&self) {
        let client = Client::new();
        let url = format!("{}/connectors/{}", self.stores.connect_url, self.name);
        let stopped = async || -> Option<()> {
            client.put(format!("{url}/stop")).send().await.ok()?;
            let status: Value = client.get(format!("{url}/status")).send().await.ok()?.json().await.ok()?;
            let state = status["connector"]["state"].as_str();
            (state == Some("STOPPED") && status["tasks"].as_array().is_none_or(Vec::is_empty)).then_some(())
        };
        eventually("the connector stops", stopped).await;
        let _ = client.delete(format!("{url}/offsets")).send().await;
        let _ = client.delete(&url).send().await;
        let drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1";
        eventually("the slot is dropped", async || {
            // The pool belongs to the test's runtime and does not work in this one.
            let mut connection =
                <sqlx::PgConnection as sqlx::Connection>::connect_with(&self.database.options).await.ok()?;
            sqlx::query(drop).bind(&self.name).execute(&mut connection).await.ok().map(drop_result)
        })
        .await;
    }
}

fn drop_result<T>(_: T) {}
