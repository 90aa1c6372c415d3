//! Connections to PostgreSQL.

mod pool;
mod session;

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

pub use self::pool::{Connection, Pool};
use crate::settings::PostgresSettings;

/// A parameter of every session, such as `("transaction_timeout", "5s")`.
pub type SessionParameter = (&'static str, &'static str);

/// The time limit that a service's transactions have from the server, as a parameter of its sessions.
pub const TRANSACTION_TIMEOUT: SessionParameter = ("transaction_timeout", "5s");
/// For [`Pool::answering_within`], together with [`TRANSACTION_TIMEOUT`]: somewhat longer.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(7);

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

/// Beginnings of SQLSTATEs that say that asking again may help: connection, transaction rolled back, resources, lock not
/// available, operator intervention; and of class 25 a transaction that took too long or met a read-only server.
const UNAVAILABLE: [&str; 7] = ["08", "25006", "25P04", "40", "53", "55", "57"];

/// Whether the same may work later without anybody's doing: the server is away, coming up, or has too much to do.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Database, Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
    match error {
        Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed => true,
        Database(refusal) => {
            refusal.code().is_some_and(|state| UNAVAILABLE.iter().any(|beginning| state.starts_with(beginning)))
        }
        _ => false,
    }
}
