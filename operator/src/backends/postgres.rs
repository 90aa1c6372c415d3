//! PostgreSQL, as far as the operator needs it: the applied migrations, the publication, the replication slot.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use kit::postgres::ErrorKind;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::{BackendError, BackendResult, CONNECT_TIMEOUT, REQUEST_TIMEOUT};
use crate::{
    api::SslMode,
    failures::ErrorClass,
    observed::{PostgresView, SlotView},
};

const STORE: &str = "PostgreSQL";

/// The platform's database.
#[async_trait]
pub trait Postgres: Send + Sync {
    /// Reads the applied migrations, the publication and the slot.
    async fn look(&self, publication: &str, slot: &str) -> BackendResult<PostgresView>;
    /// Creates the publication, or makes it publish exactly these tables. `exists` is what `look` found.
    async fn set_publication(&self, publication: &str, tables: &[String], exists: bool) -> BackendResult<()>;
    /// Removes the publication if it exists.
    async fn drop_publication(&self, publication: &str) -> BackendResult<()>;
    /// Removes the slot if it exists. While a client reads from it, that is an error.
    async fn drop_slot(&self, slot: &str) -> BackendResult<()>;
}

/// The name and the password of a role.
#[derive(Clone)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

#[derive(Clone, Debug)]
pub struct Address {
    /// A host name or an IP address.
    pub host: String,
    pub port: u16,
    pub database: String,
    pub ssl_mode: SslMode,
}

/// The client for a real PostgreSQL. It opens a connection for each call: the operator looks every half minute, and
/// leaves no idle connection.
pub struct SqlPostgres {
    address: Address,
    migration: Credentials,
    change_feed: Option<Credentials>,
}

impl SqlPostgres {
    /// Makes a client for the database at an address. The change feed's role is needed only to drop the slot.
    pub const fn new(address: Address, migration: Credentials, change_feed: Option<Credentials>) -> Self {
        Self { address, migration, change_feed }
    }

    async fn connect(&self, role: &Credentials) -> BackendResult<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&self.address.host)
            .port(self.address.port)
            .database(&self.address.database)
            .ssl_mode(ssl_mode(self.address.ssl_mode))
            .username(&role.username)
            .password(&role.password)
            .application_name("ticket-operator")
            .options([("lock_timeout", "2s"), ("statement_timeout", "3s")])
            .disable_statement_logging();
        within(CONNECT_TIMEOUT, options.connect()).await
    }

    async fn execute(&self, role: &Credentials, statement: String) -> BackendResult<()> {
        let mut connection = self.connect(role).await?;
        // A statement such as CREATE PUBLICATION takes no parameters, so `identifier` has quoted the names in it.
        within(REQUEST_TIMEOUT, sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection)).await?;
        close(connection).await;
        Ok(())
    }
}

#[async_trait]
impl Postgres for SqlPostgres {
    async fn look(&self, publication: &str, slot: &str) -> BackendResult<PostgresView> {
        let mut connection = self.connect(&self.migration).await?;
        let view = within(REQUEST_TIMEOUT, view(&mut connection, publication, slot)).await?;
        close(connection).await;
        Ok(view)
    }

    async fn set_publication(&self, publication: &str, tables: &[String], exists: bool) -> BackendResult<()> {
        let tables: Vec<String> = tables.iter().map(|table| qualified(table)).collect();
        let (verb, joint) = if exists { ("ALTER", "SET TABLE") } else { ("CREATE", "FOR TABLE") };
        let statement = format!("{verb} PUBLICATION {} {joint} {}", identifier(publication), tables.join(", "));
        self.execute(&self.migration, statement).await
    }

    async fn drop_publication(&self, publication: &str) -> BackendResult<()> {
        self.execute(&self.migration, format!("DROP PUBLICATION IF EXISTS {}", identifier(publication))).await
    }

    async fn drop_slot(&self, slot: &str) -> BackendResult<()> {
        let Some(role) = &self.change_feed else {
            return Err(BackendError::transient("the change feed's Secret is needed to drop the slot"));
        };
        let mut connection = self.connect(role).await?;
        let drop =
            sqlx::query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1");
        within(REQUEST_TIMEOUT, drop.bind(slot).execute(&mut connection)).await?;
        close(connection).await;
        Ok(())
    }
}

async fn view(connection: &mut PgConnection, publication: &str, slot: &str) -> sqlx::Result<PostgresView> {
    Ok(PostgresView {
        migrations: migrations(connection).await?,
        publication: publication_tables(connection, publication).await?,
        slot: slot_view(connection, slot).await?,
    })
}

async fn migrations(connection: &mut PgConnection) -> sqlx::Result<BTreeMap<i64, String>> {
    let exists: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !exists {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query("SELECT version, encode(checksum, 'hex') FROM _sqlx_migrations WHERE success")
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn publication_tables(
    connection: &mut PgConnection,
    publication: &str,
) -> sqlx::Result<Option<BTreeSet<String>>> {
    let rows = sqlx::query(
        "SELECT t.schemaname || '.' || t.tablename FROM pg_publication p \
         LEFT JOIN pg_publication_tables t ON t.pubname = p.pubname WHERE p.pubname = $1",
    )
    .bind(publication)
    .fetch_all(connection)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let tables: sqlx::Result<BTreeSet<Option<String>>> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(Some(tables?.into_iter().flatten().collect()))
}

async fn slot_view(connection: &mut PgConnection, slot: &str) -> sqlx::Result<Option<SlotView>> {
    let active: Option<bool> = sqlx::query_scalar("SELECT active FROM pg_replication_slots WHERE slot_name = $1")
        .bind(slot)
        .fetch_optional(connection)
        .await?;
    Ok(active.map(|is_active| SlotView { is_active }))
}

async fn within<T>(limit: Duration, work: impl Future<Output = sqlx::Result<T>>) -> BackendResult<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result.map_err(|error| classify(&error)),
        Err(_) => Err(BackendError::transient(format!("{STORE}: no answer within {} s", limit.as_secs()))),
    }
}

/// Closes the connection properly, so that the server logs no broken one. An error does not matter here.
async fn close(connection: PgConnection) {
    let _ = tokio::time::timeout(CONNECT_TIMEOUT, connection.close()).await;
}

fn classify(error: &sqlx::Error) -> BackendError {
    let Some(database) = error.as_database_error() else {
        return BackendError::transient(format!("{STORE}: {error}"));
    };
    let code = database.code().unwrap_or_default();
    let class = match ErrorKind::of_sqlstate(&code) {
        ErrorKind::LoginRefused | ErrorKind::PrivilegeMissing => ErrorClass::Unauthorized,
        // Another session uses it, such as that of a task that is still stopping.
        ErrorKind::Conflict | ErrorKind::ObjectInUse => ErrorClass::Conflict,
        ErrorKind::ConnectionLost
        | ErrorKind::SessionEnded
        | ErrorKind::Cancelled
        | ErrorKind::Resources
        | ErrorKind::Internal
        // The database may still be created.
        | ErrorKind::DatabaseMissing => ErrorClass::Transient,
        ErrorKind::ReadOnly | ErrorKind::TookTooLong | ErrorKind::Other => ErrorClass::Invalid,
    };
    BackendError::new(class, format!("{STORE}: {} (SQLSTATE {code})", database.message()))
}

const fn ssl_mode(mode: SslMode) -> PgSslMode {
    match mode {
        SslMode::Disable => PgSslMode::Disable,
        SslMode::Prefer => PgSslMode::Prefer,
        SslMode::Require => PgSslMode::Require,
        SslMode::VerifyCa => PgSslMode::VerifyCa,
        SslMode::VerifyFull => PgSslMode::VerifyFull,
    }
}

/// Quotes a name, so that nothing in it is read as SQL.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes `schema.table`.
fn qualified(table: &str) -> String {
    table.split('.').map(identifier).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::{identifier, qualified};

    #[test]
    fn names_cannot_break_out_of_their_quotes() {
        assert_eq!(identifier("a\"; DROP"), "\"a\"\"; DROP\"");
        assert_eq!(qualified("public.events"), "\"public\".\"events\"");
    }
}
