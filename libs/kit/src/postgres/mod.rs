//! Connections to PostgreSQL.

mod error_kind;
mod pool;
mod session;

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

pub use self::{
    error_kind::ErrorKind,
    pool::{Connection, Pool},
};
use crate::settings::PostgresSettings;

/// A parameter of every session, such as `("transaction_timeout", "5s")`.
pub type SessionParameter = (&'static str, &'static str);

/// The time limit for a service's transactions, which the server enforces.
pub const TRANSACTION_TIMEOUT: SessionParameter = ("transaction_timeout", "5s");
/// The time limit of [`Pool::answering_within`] for services with [`TRANSACTION_TIMEOUT`]: somewhat longer than that.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(7);

/// The options of a connection outside the pool.
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

/// Whether the same call may work later without anybody's doing: the server is away, starting, or has too much to do.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
    match ErrorKind::of(error) {
        Some(kind) => passes(kind),
        None => matches!(error, Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed),
    }
}

/// Whether a service's call passes when it is tried again later.
const fn passes(kind: ErrorKind) -> bool {
    match kind {
        // The server is away or overloaded, or becomes writable when the failover ends.
        ErrorKind::ConnectionLost | ErrorKind::SessionEnded | ErrorKind::ReadOnly | ErrorKind::Resources => true,
        // Others were in the way; the next time they may not be.
        ErrorKind::Conflict | ErrorKind::ObjectInUse | ErrorKind::Cancelled | ErrorKind::TookTooLong => true,
        // A person must correct a password, a privilege, the name of the database, the schema or the program.
        ErrorKind::LoginRefused | ErrorKind::PrivilegeMissing | ErrorKind::DatabaseMissing | ErrorKind::Other => false,
        // A damaged page or a defect of the server: hiding it behind "try again" would delay its discovery.
        ErrorKind::Internal => false,
    }
}
