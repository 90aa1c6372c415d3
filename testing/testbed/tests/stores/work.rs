//! What the stores do for those who use them.

use anyhow::{Result, ensure};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use crate::support::TestInstance;

pub(crate) async fn settings_name_running_stores(instance: &TestInstance) -> Result<()> {
    let settings = instance.command(&["env"]).await?;
    for address in [&instance.stores.postgres_url, &instance.stores.redis_addr, &instance.stores.kafka_bootstrap] {
        ensure!(settings.contains(&format!("={address}\n")), "{address} is not in {settings}");
    }
    instance.client.get(&instance.stores.elasticsearch_url).send().await?.error_for_status()?;
    let plugins = instance.client.get(format!("{}/connector-plugins", instance.stores.connect_url)).send().await?;
    ensure!(plugins.text().await?.contains("PostgresConnector"), "Connect has no connector for PostgreSQL");
    ensure!(instance.command(&["psql", "-Atc", "select 1"]).await? == "1\n", "psql does not answer");
    Ok(())
}

pub(crate) async fn each_role_can_do_its_own_work_only(instance: &TestInstance) -> Result<()> {
    let (migration, service, change_feed) = (
        Role { instance, name: "ticket_migration", password: "migration" },
        Role { instance, name: "ticket_service", password: "service" },
        Role { instance, name: "ticket_change_feed", password: "change-feed" },
    );
    migration.can("CREATE TABLE events (id bigint PRIMARY KEY, name text)").await?;
    service.can("INSERT INTO events VALUES (1, 'first')").await?;
    service.cannot("DROP TABLE events").await?;
    service.cannot("CREATE TABLE mine ()").await?;
    change_feed.can("SELECT * FROM events").await?;
    change_feed.cannot("DELETE FROM events").await?;
    migration.can("CREATE PUBLICATION tickets FOR TABLE events").await
}

struct Role<'a> {
    instance: &'a TestInstance,
    name: &'a str,
    password: &'a str,
}

impl Role<'_> {
    async fn run(&self, sql: &str) -> Result<sqlx::Result<()>> {
        let options: PgConnectOptions = self.instance.stores.postgres_url.parse()?;
        let options = options.username(self.name).password(self.password).database("tickets");
        let mut connection = PgConnection::connect_with(&options).await?;
        Ok(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.map(drop))
    }

    async fn can(&self, sql: &str) -> Result<()> {
        Ok(self.run(sql).await??)
    }

    async fn cannot(&self, sql: &str) -> Result<()> {
        ensure!(self.run(sql).await?.is_err(), "{} may {sql}", self.name);
        Ok(())
    }
}

pub(crate) async fn a_connector_finds_its_password_by_reference(instance: &TestInstance) -> Result<()> {
    let postgres: PgConnectOptions = instance.stores.postgres_url.parse()?;
    let connector = json!({
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "plugin.name": "pgoutput",
        "database.hostname": "127.0.0.1", "database.port": postgres.get_port().to_string(), "database.dbname": "tickets",
        "database.user": "ticket_change_feed",
        "database.password": "${directory:/etc/ticket-platform/secrets/postgres-change-feed:password}",
        "topic.prefix": "pg", "slot.name": "tickets", "publication.name": "tickets",
        "publication.autocreate.mode": "disabled", "table.include.list": "public.events",
        "topic.creation.default.partitions": "3", "topic.creation.default.replication.factor": "1",
    });
    let url = format!("{}/connectors/tickets/config", instance.stores.connect_url);
    instance.client.put(url).json(&connector).send().await?.error_for_status()?;
    // The life of the instance goes on from here: what is written now must be there after each kill.
    instance.client.put(format!("{}/kept", instance.stores.elasticsearch_url)).send().await?.error_for_status()?;
    instance.records_in_topic(1).await
}

pub(crate) async fn changes_flow_again_after_the_kills(instance: &TestInstance) -> Result<()> {
    instance.command(&["psql", "-c", "INSERT INTO events VALUES (2, 'second')"]).await?;
    instance.records_in_topic(2).await
}
