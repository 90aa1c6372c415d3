//! A session: how it begins, and when it is to be trusted.

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

/// The longest that opening a session may take. It goes on when whoever asked for it has given up: a server under load
/// would otherwise be asked for the same again and again, and never come to the end of it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A session that was used within this time is not asked whether it still works before it is used again. Asking costs as
/// much as a small query, and with traffic there is always a session that has just worked.
const TRUSTED_IDLE_TIME: Duration = Duration::from_secs(1);
/// How long a session may take to say that it still works. Another one takes the place of a slower one.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A session and what is known of it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connection: PgConnection,
    /// When it was last seen to work; `None` when its last use failed or did not come to an end.
    worked_at: Option<Instant>,
    /// What befell any session so far, and how much of it this one was seen to outlive.
    failures: Arc<Failures>,
    outlived: u64,
    /// How often the server had been silent when it was opened.
    silences: u64,
    /// Enough others are idle already.
    pub(crate) surplus: bool,
}

#[derive(Debug, Default)]
struct Failures {
    /// Sessions that ended in the middle of their use.
    ends: AtomicU64,
    /// Queries that were never answered.
    silences: AtomicU64,
}

impl Session {
    /// Notes that its use begins: until the end is noted too, nothing is known of it.
    pub(crate) fn begin_use(&mut self) {
        self.worked_at = None;
    }

    /// Notes how its use went.
    pub(crate) fn end_use(&mut self, error: Option<&sqlx::Error>) {
        self.worked_at = error.is_none().then(Instant::now);
        // What ends one session, such as a restart of the server, may have ended all.
        if error.is_some_and(may_have_ended_all) {
            self.failures.ends.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes that the server does not answer: no session from before can be expected to work.
    pub(crate) fn end_in_silence(&mut self) {
        // Once for all that hang on the same silence: what was opened since then is good.
        let (before, now) = (self.silences, self.silences + 1);
        let _ = self.failures.silences.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn is_from_before_a_silence(&self) -> bool {
        self.silences != self.failures.silences.load(Ordering::Relaxed)
    }

    fn is_trusted(&self) -> bool {
        self.outlived == self.failures.ends.load(Ordering::Relaxed)
            && self.worked_at.is_some_and(|worked_at| worked_at.elapsed() < TRUSTED_IDLE_TIME)
    }
}

/// Whether what ended this session may have ended all: the network failed, or the server ended the session. A session that
/// ends for its own sake, such as by `transaction_timeout`, puts no other in doubt.
fn may_have_ended_all(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        _ => ErrorKind::of(error) == Some(ErrorKind::SessionEnded),
    }
}

/// Opens sessions, and says which are still good.
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
        let outlived = self.failures.ends.load(Ordering::Relaxed);
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
        Ok(Session { connection, worked_at: Some(Instant::now()), failures, outlived, silences, surplus: false })
    }
}

impl ManageConnection for Sessions {
    type Connection = Session;
    type Error = sqlx::Error;

    async fn connect(&self) -> sqlx::Result<Session> {
        timeout(CONNECT_TIMEOUT, self.open()).await.map_err(|_| sqlx::Error::PoolTimedOut)?
    }

    /// Also waits for the end of what an earlier user left in the middle. A session that is not good says nothing about the next one.
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
                session.outlived = failures;
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

/// Why sessions cannot be had: said in the log, and to those who wait for one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals(Arc<Refused>);

#[derive(Debug, Default)]
struct Refused {
    last: Mutex<Option<Arc<sqlx::Error>>>,
    happened: Notify,
}

impl Refusals {
    /// Waits for a refusal that waiting longer would not change: [`sqlx::Error::Configuration`] when the server said it,
    /// such as that of a wrong password, and otherwise [`sqlx::Error::Io`].
    pub(crate) async fn next(&self) -> sqlx::Error {
        self.0.happened.notified().await;
        match self.last().clone() {
            Some(refusal) if matches!(*refusal, sqlx::Error::Database(_)) => {
                sqlx::Error::Configuration(Box::new(refusal))
            }
            Some(refusal) => sqlx::Error::Io(io::Error::other(refusal)),
            None => sqlx::Error::PoolTimedOut,
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<Arc<sqlx::Error>>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ErrorSink<sqlx::Error> for Refusals {
    fn sink(&self, error: sqlx::Error) {
        // A session that is not used again, see `is_valid`.
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
