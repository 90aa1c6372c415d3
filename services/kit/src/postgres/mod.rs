//! The connection pool of PostgreSQL.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use sqlx::{
    Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::settings::PostgresSettings;

/// The longest wait for a connection: beyond it the answer is 503, which tells a customer more than a hanging page.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

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

/// A connection that was used within this time is not asked whether it still works before it is used again. Asking costs
/// as much as a small query, and with traffic there is always a connection that has just worked.
const TRUSTED_IDLE_TIME: Duration = Duration::from_secs(1);

/// A parameter of every session, such as `("transaction_timeout", "5s")`.
pub type SessionParameter = (&'static str, &'static str);

/// A pool that connects when it is first used: a program starts while its database is down.
#[must_use]
pub fn pool(settings: &PostgresSettings) -> PgPool {
    pool_with(settings, &[])
}

/// The same, with parameters that are set at the begin of every session.
#[must_use]
pub fn pool_with(settings: &PostgresSettings, parameters: &'static [SessionParameter]) -> PgPool {
    let (max_open, max_idle) = (settings.max_open_conns, settings.max_idle_conns as usize);
    // The pool itself knows how many connections are idle, but its hooks are made before it.
    let this: Arc<OnceLock<PgPool>> = Arc::default();
    let inside = Arc::clone(&this);
    let timezone = settings.timezone.clone();
    let pool = PgPoolOptions::new()
        .max_connections(max_open)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(limit(settings.conn_max_lifetime))
        .idle_timeout(limit(settings.conn_max_idle_time))
        .test_before_acquire(false)
        .before_acquire(|connection, metadata| {
            Box::pin(async move {
                if metadata.idle_for > TRUSTED_IDLE_TIME {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| {
            let timezone = timezone.clone();
            // The driver asks for UTC at the start of every session, whatever the options say.
            Box::pin(async move {
                for (name, value) in [("TimeZone", timezone.as_str())].iter().chain(parameters) {
                    let set = sqlx::query("SELECT set_config($1, $2, false)").bind(name).bind(value);
                    set.execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .after_release(move |_, _| {
            let keep = inside.get().is_none_or(|pool| pool.num_idle() < max_idle);
            Box::pin(async move { Ok(keep) })
        })
        .connect_lazy_with(connect_options(settings));
    this.get_or_init(|| pool.clone());
    pool
}

fn limit(duration: Duration) -> Option<Duration> {
    (!duration.is_zero()).then_some(duration)
}
