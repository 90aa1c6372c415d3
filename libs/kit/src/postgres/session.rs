//! Sessions: how they begin, and when they are trusted.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bb8::{ErrorSink, ManageConnection};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{sync::Notify, time::timeout};

use super::{ErrorKind, SessionParameter, is_unavailable};

/// The longest that opening a session may take. Opening goes on when the caller has given up: otherwise a server under
/// load would be asked for sessions again and again, and never finish one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A session that worked within this time is not tested before it is used again. A test costs as much as a small query,
/// and under traffic there is always a session that has just worked.
const TRUSTED_IDLE_TIME: Duration = Duration::from_secs(1);
/// The longest that a test may take. A slower session is replaced.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A session with its record.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connection: PgConnection,
    /// When it last worked; `None` when its last use failed or was interrupted.
    worked_at: Option<Instant>,
    /// The failures of all sessions of the pool, and how many of them this session has survived.
    failures: Arc<Failures>,
    survived: u64,
    /// The number of silences when the session was opened.
    silences: u64,
    /// Whether enough other sessions are idle already.
    pub(crate) surplus: bool,
}

#[derive(Debug, Default)]
struct Failures {
    /// Sessions that ended during their use.
    ends: AtomicU64,
    /// Queries that were never answered.
    silences: AtomicU64,
}

impl Session {
    /// Notes that a use begins. The session is not trusted until its end is noted as well.
    pub(crate) fn begin_use(&mut self) {
        self.worked_at = None;
    }

    /// Notes how the use ended.
    pub(crate) fn end_use(&mut self, error: Option<&sqlx::Error>) {
        self.worked_at = error.is_none().then(Instant::now);
        // What ends one session, such as a restart of the server, may have ended all of them.
        if error.is_some_and(may_have_ended_all) {
            self.failures.ends.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that the server does not answer. No earlier session can be expected to work.
    pub(crate) fn end_in_silence(&mut self) {
        // All sessions that meet the same silence note it once: a session that was opened since then is good.
        let (before, now) = (self.silences, self.silences + 1);
        let _ = self.failures.silences.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn is_from_before_a_silence(&self) -> bool {
        self.silences != self.failures.silences.load(Ordering::Relaxed)
    }

    fn is_trusted(&self) -> bool {
        self.survived == self.failures.ends.load(Ordering::Relaxed)
            && self.worked_at.is_some_and(|worked_at| worked_at.elapsed() < TRUSTED_IDLE_TIME)
    }
}

/// Whether what ended this session may have ended all: the network failed, or the server ended the session. A session
/// that ends for its own sake, such as by `transaction_timeout`, puts no other in doubt.
fn may_have_ended_all(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        _ => ErrorKind::of(error) == Some(ErrorKind::SessionEnded),
    }
}

/// Opens sessions, and knows which are still good.
#[derive(Debug)]
pub(crate) struct Sessions {
    options: PgConnectOptions,
    timezone: String,
    parameters: &'static [SessionParameter],
    failures: Arc<Failures>,
}

impl Sessions {
    pub(crate) fn new(options: PgConnectOptions, timezone: String, parameters: &'static [SessionParameter]) -> Self {
        Self { options, timezone, parameters, failures: Arc::default() }
    }

    async fn open(&self) -> sqlx::Result<Session> {
        let survived = self.failures.ends.load(Ordering::Relaxed);
        let silences = self.failures.silences.load(Ordering::Relaxed);
        let mut connection = PgConnection::connect_with(&self.options).await?;
        // The driver asks for UTC at the start of every session, whatever the options say.
        let own = [("TimeZone", self.timezone.as_str())];
        let (names, values): (Vec<&str>, Vec<&str>) = own.iter().chain(self.parameters).copied().unzip();
        sqlx::query("SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS own (name, value)")
            .bind(names)
            .bind(values)
            .execute(&mut connection)
            .await?;
        let failures = Arc::clone(&self.failures);
        Ok(Session { connection, worked_at: Some(Instant::now()), failures, survived, silences, surplus: false })
    }
}

impl ManageConnection for Sessions {
    type Connection = Session;
    type Error = sqlx::Error;

    async fn connect(&self) -> sqlx::Result<Session> {
        timeout(CONNECT_TIMEOUT, self.open()).await.map_err(|_| sqlx::Error::PoolTimedOut)?
    }

    /// Tests a session that is not trusted, which also waits for the end of an interrupted query. A bad session says
    /// nothing about the next one.
    async fn is_valid(&self, session: &mut Session) -> sqlx::Result<()> {
        if session.is_from_before_a_silence() {
            return Err(sqlx::Error::PoolClosed);
        }
        if session.is_trusted() {
            return Ok(());
        }
        let failures = self.failures.ends.load(Ordering::Relaxed);
        match timeout(PING_TIMEOUT, session.connection.ping()).await {
            Ok(Ok(())) => {
                session.survived = failures;
                return Ok(());
            }
            Ok(Err(error)) => tracing::warn!(%error, "a session with PostgreSQL has ended"),
            Err(_) => tracing::warn!("a session with PostgreSQL does not answer"),
        }
        Err(sqlx::Error::PoolClosed)
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.surplus || session.is_from_before_a_silence()
    }
}

/// Why sessions cannot be opened. It goes to the log, and to the callers that wait for a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenErrors(Arc<Opening>);

#[derive(Debug, Default)]
struct Opening {
    last: Mutex<Option<Arc<sqlx::Error>>>,
    happened: Notify,
}

impl OpenErrors {
    /// Waits for an error that waiting would not change: [`sqlx::Error::Configuration`] when it comes from the server,
    /// as for a wrong password, and otherwise [`sqlx::Error::Io`].
    pub(crate) async fn next(&self) -> sqlx::Error {
        self.0.happened.notified().await;
        match self.last().clone() {
            Some(error) if matches!(*error, sqlx::Error::Database(_)) => sqlx::Error::Configuration(Box::new(error)),
            Some(error) => sqlx::Error::Io(io::Error::other(error)),
            None => sqlx::Error::PoolTimedOut,
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<Arc<sqlx::Error>>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ErrorSink<sqlx::Error> for OpenErrors {
    fn sink(&self, error: sqlx::Error) {
        // The session is not used again, see `is_valid`.
        if matches!(error, sqlx::Error::PoolClosed) {
            return;
        }
        tracing::warn!(%error, "a session with PostgreSQL was not opened");
        let may_pass = match &error {
            sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
            sqlx::Error::Database(_) | sqlx::Error::PoolTimedOut => is_unavailable(&error),
            _ => false,
        };
        if !may_pass {
            *self.last() = Some(Arc::new(error));
            self.0.happened.notify_waiters();
        }
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<sqlx::Error>> {
        Box::new(self.clone())
    }
}
