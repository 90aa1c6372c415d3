//! An empty database of a test's own: the operator's client looks at what migrations leave, so it has none.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use testbed::{Stores, eventually};
use ticket_operator::{
    ErrorClass,
    api::SslMode,
    backends::{
        BackendError,
        postgres::{Address, Credentials, Postgres, SqlPostgres},
    },
};

use crate::unique;

pub(crate) struct Database {
    pub address: Address,
    pub superuser: Credentials,
    url: String,
    server: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        let server = Stores::from_environment().postgres_url;
        let name = unique("db");
        execute(&server, format!("CREATE DATABASE {name}")).await.unwrap();
        let (login, place) = server.strip_prefix("postgres://").unwrap().rsplit_once('@').unwrap();
        let (username, password) = login.split_once(':').unwrap();
        let (host, port) = place.split_once('/').unwrap().0.rsplit_once(':').unwrap();
        Self {
            address: Address {
                host: host.into(),
                port: port.parse().unwrap(),
                database: name.clone(),
                ssl_mode: SslMode::Prefer,
            },
            superuser: Credentials { username: username.into(), password: password.into() },
            url: format!("postgres://{login}@{host}:{port}/{name}"),
            server,
        }
    }

    pub(crate) async fn execute(&self, sql: &str) {
        execute(&self.url, sql.to_owned()).await.unwrap();
    }

    pub(crate) fn client(&self) -> SqlPostgres {
        SqlPostgres::new(self.address.clone(), self.superuser.clone(), Some(self.superuser.clone()))
    }

    pub(crate) async fn drop(self) {
        self.try_drop().await.unwrap();
    }

    async fn try_drop(&self) -> sqlx::Result<()> {
        execute(&self.server, format!("DROP DATABASE {} WITH (FORCE)", self.address.database)).await
    }

    /// Drops the slot as soon as no client reads from it.
    pub(crate) async fn drop_slot(&self, slot: &str) {
        let client = self.client();
        let is_in_use = |error: &BackendError| assert_eq!(error.class, ErrorClass::Conflict, "{error}");
        eventually("no client reads from the slot", async || client.drop_slot(slot).await.inspect_err(is_in_use)).await;
    }

    /// Drops the database and a slot in it. A connector that was just deleted keeps its slot in use, or creates it once
    /// more, until its task has ended.
    pub(crate) async fn drop_with_slot(self, slot: &str) {
        let is_in_use = |error: &sqlx::Error| {
            let code = error.as_database_error().and_then(|error| error.code());
            assert_eq!(code.as_deref(), Some("55006"), "{error}");
        };
        eventually("the connector's task has ended", async || {
            self.drop_slot(slot).await;
            self.try_drop().await.inspect_err(is_in_use)
        })
        .await;
    }
}

async fn execute(url: &str, sql: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map(drop)
}
