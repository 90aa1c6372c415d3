//! Settings of the PostgreSQL pool.

use std::time::Duration;

use sqlx::postgres::PgSslMode;

use super::Environment;

/// Where PostgreSQL is, and how many connections a program holds.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `POSTGRES_HOST`, required.
    pub host: String,
    /// `POSTGRES_PORT`, default 5432.
    pub port: u16,
    /// `POSTGRES_USER`, required.
    pub user: String,
    /// `POSTGRES_PASSWORD`, required.
    pub password: String,
    /// `POSTGRES_DBNAME`, required.
    pub dbname: String,
    /// `POSTGRES_SSLMODE`: libpq's modes, default `prefer`.
    pub sslmode: PgSslMode,
    /// `POSTGRES_SSLROOTCERT`: a file with the trusted authorities, for `verify-ca` and `verify-full`.
    pub sslrootcert: Option<String>,
    /// `POSTGRES_TIMEZONE`: the sessions' time zone, default `UTC`.
    pub timezone: String,
    /// `POSTGRES_MAX_OPEN_CONNS`: the most connections, 1 to 1,000. Default 25.
    pub max_open_conns: u32,
    /// `POSTGRES_MAX_IDLE_CONNS`: the most idle connections. Default 25; with fewer, each burst opens new ones.
    /// Connections that come back at the same moment do not see each other, and may stay until
    /// `POSTGRES_CONN_MAX_IDLE_TIME` ends them.
    pub max_idle_conns: u32,
    /// `POSTGRES_CONN_MAX_LIFETIME`: the greatest age of a connection, 0 for no limit. Default 30 minutes.
    pub conn_max_lifetime: Duration,
    /// `POSTGRES_CONN_MAX_IDLE_TIME`: how long a connection may stay unused, 0 for no limit. Default 10 minutes.
    pub conn_max_idle_time: Duration,
}

impl PostgresSettings {
    /// Reads the `POSTGRES_*` settings.
    pub fn read(env: &mut Environment) -> Option<Self> {
        const A_DAY: u64 = 86_400;
        let host = env.required("POSTGRES_HOST");
        let port = env.or("POSTGRES_PORT", 5432);
        let user = env.required("POSTGRES_USER");
        let password = env.required("POSTGRES_PASSWORD");
        let dbname = env.required("POSTGRES_DBNAME");
        let modes = [
            ("disable", PgSslMode::Disable),
            ("allow", PgSslMode::Allow),
            ("prefer", PgSslMode::Prefer),
            ("require", PgSslMode::Require),
            ("verify-ca", PgSslMode::VerifyCa),
            ("verify-full", PgSslMode::VerifyFull),
        ];
        let sslmode = env.one_of_or("POSTGRES_SSLMODE", "prefer", &modes);
        let sslrootcert = env.optional("POSTGRES_SSLROOTCERT");
        let timezone = env.or("POSTGRES_TIMEZONE", "UTC".to_owned());
        let max_open_conns = env.in_range("POSTGRES_MAX_OPEN_CONNS", 25, 1..=1000);
        let max_idle_conns = env.in_range("POSTGRES_MAX_IDLE_CONNS", 25, 0..=1000);
        let conn_max_lifetime = env.seconds("POSTGRES_CONN_MAX_LIFETIME", 1800, 0..=A_DAY);
        let conn_max_idle_time = env.seconds("POSTGRES_CONN_MAX_IDLE_TIME", 600, 0..=A_DAY);
        Some(Self {
            host: host?,
            port: port?,
            user: user?,
            password: password?,
            dbname: dbname?,
            sslmode: sslmode?,
            sslrootcert: sslrootcert?,
            timezone: timezone?,
            max_open_conns: max_open_conns?,
            max_idle_conns: max_idle_conns?,
            conn_max_lifetime: conn_max_lifetime?,
            conn_max_idle_time: conn_max_idle_time?,
        })
    }
}
