//! Connections to PostgreSQL.

mod pool;
mod session;

use sqlx::postgres::PgConnectOptions;

pub use self::pool::{Connection, Pool};
use crate::settings::PostgresSettings;

/// A parameter of every session, such as `("transaction_timeout", "5s")`.
pub type SessionParameter = (&'static str, &'static str);

/// How to connect, for those who need a connection outside the pool.
#[must_use]
pub fn connect_options(settings: &PostgresSettings) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&settings.host)
        .port(settings.port)
        .username(&settings.user)
        .password(&settings.password)
        .database(&settings.dbname)
        .ssl_mode(settings.sslmode);
    match &settings.sslrootcert {
        Some(file) => options.ssl_root_cert(file),
        None => options,
    }
}
