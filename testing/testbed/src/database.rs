//! A database per test.

use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use ticket_migrate::{Kind, Migrations};
use uuid::Uuid;

use crate::{Stores, repository};

/// A fresh database with every migration applied. It is dropped after the test where that is possible. A database that
/// is left behind disturbs nobody: each has a name of its own.
pub struct TestDatabase {
    pub name: String,
    /// A pool of a few connections to it, as superuser.
    pub pool: PgPool,
    /// How to connect to it.
    pub options: PgConnectOptions,
    password: String,
    admin: PgConnectOptions,
}

impl TestDatabase {
    /// Creates the database.
    ///
    /// # Panics
    /// When PostgreSQL does not answer or a migration fails.
    pub async fn create() -> Self {
        Self::create_on(&Stores::from_environment().postgres_url).await
    }

    /// Creates the database on the server with this superuser's URL, for a test that has stores of its own.
    ///
    /// # Panics
    /// When PostgreSQL does not answer or a migration fails.
    pub async fn create_on(url: &str) -> Self {
        let admin: PgConnectOptions = url.parse().expect("TEST_POSTGRES_URL is a PostgreSQL URL");
        let name = format!("test_{}", Uuid::new_v4().simple());
        let mut connection = PgConnection::connect_with(&admin).await.expect("PostgreSQL answers");
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .expect("a database can be created");
        let options = admin.clone().database(&name);
        let mut connection = PgConnection::connect_with(&options).await.expect("the new database answers");
        let migrations = Migrations::load(&repository().join("migrations")).expect("the migrations can be read");
        migrations.up(&mut connection, Kind::All).await.expect("the migrations apply");
        let pool = PgPoolOptions::new().max_connections(8).connect_lazy_with(options.clone());
        Self { name, pool, options, password: password(url), admin }
    }

    /// The contract's `POSTGRES_*` settings for this database.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let (host, port) = (self.options.get_host().to_owned(), self.options.get_port());
        self.environment_at(&format!("{host}:{port}"))
    }

    /// The same at another address, such as that of a [`crate::Proxy`].
    ///
    /// # Panics
    /// When the address is not `host:port`.
    #[must_use]
    pub fn environment_at(&self, addr: &str) -> Vec<(String, String)> {
        let (host, port) = addr.rsplit_once(':').expect("an address is host:port");
        [
            ("POSTGRES_HOST", host),
            ("POSTGRES_PORT", port),
            ("POSTGRES_USER", self.options.get_username()),
            ("POSTGRES_PASSWORD", &self.password),
            ("POSTGRES_DBNAME", &self.name),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// `host:port` of the server.
    #[must_use]
    pub fn addr(&self) -> String {
        format!("{}:{}", self.options.get_host(), self.options.get_port())
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        // PostgreSQL drops no database while any client is logging in, to any database. That client may be part of this
        // test's runtime, so the drop runs in a thread of its own and nobody waits for it.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect_with(&admin).await?;
                let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
                anyhow::Ok(())
            })
        });
    }
}

/// `PgConnectOptions` does not give its password back.
fn password(url: &str) -> String {
    let credentials = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map_or("", |(before, _)| before);
    credentials.split_once(':').map_or(String::new(), |(_, password)| password.to_owned())
}
