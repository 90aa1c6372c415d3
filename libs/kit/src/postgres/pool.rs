//! The connection pool.
//!
//! The driver's own pool opens a session within the call that needs it. When opening takes longer than the call may
//! wait, the half-open session is thrown away, and under load the next call fails in the same way: a database that
//! comes back to a crowd would never recover. The driver's pool also tests each session when it is given back. This
//! pool opens sessions in the background, and tests one only when there is a reason to doubt it.

use std::{
    io,
    ops::{Deref, DerefMut},
    time::Duration,
};

use bb8::{PooledConnection, QueueStrategy, RunError};
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, future::BoxFuture, stream, stream::BoxStream};
use sqlx::{
    Describe, Either, Execute, Executor, PgConnection, Postgres, SqlStr,
    postgres::{PgQueryResult, PgRow, PgStatement, PgTypeInfo},
};
use tokio::time::timeout;

use super::{
    SessionParameter, connect_options,
    session::{OpenErrors, Sessions},
};
use crate::settings::PostgresSettings;

/// The longest wait for a connection. After it the answer is 503, which tells a user more than a page that hangs.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A pool of connections, which its clones share. It opens the first one when it is needed, so a program starts while
/// its database is down. A reference to the pool runs queries.
#[derive(Debug, Clone)]
pub struct Pool {
    sessions: bb8::Pool<Sessions>,
    open_errors: OpenErrors,
    max_idle: u32,
    answers_within: Option<Duration>,
}

/// A connection of a [`Pool`], for more than one query. It goes back to the pool when it is dropped.
#[derive(Debug)]
pub struct Connection<'p> {
    session: PooledConnection<'p, Sessions>,
    pool: &'p Pool,
}

impl Pool {
    /// Makes a pool from the settings. To be called within a runtime.
    #[must_use]
    pub fn new(settings: &PostgresSettings) -> Self {
        Self::with_parameters(settings, &[])
    }

    /// The same, with parameters that are set at the start of every session.
    #[must_use]
    pub fn with_parameters(settings: &PostgresSettings, parameters: &'static [SessionParameter]) -> Self {
        let open_errors = OpenErrors::default();
        let sessions = bb8::Pool::builder()
            .max_size(settings.max_open_conns)
            .connection_timeout(ACQUIRE_TIMEOUT)
            .max_lifetime(limit(settings.conn_max_lifetime))
            .idle_timeout(limit(settings.conn_max_idle_time))
            .queue_strategy(QueueStrategy::Lifo)
            .error_sink(Box::new(open_errors.clone()))
            .build_unchecked(Sessions::new(connect_options(settings), settings.timezone.clone(), parameters));
        // Without a smaller limit, uses need not be counted.
        let max_idle =
            if settings.max_idle_conns < settings.max_open_conns { settings.max_idle_conns } else { u32::MAX };
        Self { sessions, open_errors, max_idle, answers_within: None }
    }

    /// Sets a time limit for each query on the pool itself and for each [`Self::run`], counted from when it has a
    /// connection. It is for a server that has silently gone away, which TCP notices only after minutes. When the limit
    /// passes, no session of the pool is used again. So it must be longer than what the server allows by itself, such
    /// as its `transaction_timeout` (which does not count the wait for the disk at the end).
    #[must_use]
    pub fn answering_within(self, limit: Duration) -> Self {
        Self { answers_within: Some(limit), ..self }
    }

    /// A connection for more than one query.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`] when none is free or can be opened within three seconds, and the server's own
    /// error when it refuses the session.
    pub async fn acquire(&self) -> sqlx::Result<Connection<'_>> {
        let mut session = tokio::select! {
            biased;
            session = self.sessions.get() => session.map_err(|error| match error {
                RunError::User(error) => error,
                RunError::TimedOut => sqlx::Error::PoolTimedOut,
            })?,
            error = self.open_errors.next() => return Err(error),
        };
        session.begin_use();
        Ok(Connection { session, pool: self })
    }

    /// Runs one query, or several that belong together, on one connection.
    ///
    /// # Errors
    /// Those of [`Self::acquire`] and of the queries, and [`sqlx::Error::Io`] when the server does not answer in time.
    pub async fn run<T>(&self, queries: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> sqlx::Result<T> {
        let mut connection = self.acquire().await?;
        let answered = match self.answers_within {
            Some(limit) => timeout(limit, queries(&mut connection)).await.ok(),
            None => Some(queries(&mut connection).await),
        };
        let Some(answer) = answered else {
            connection.session.end_in_silence();
            return Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into()));
        };
        connection.session.end_use(answer.as_ref().err());
        answer
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        let Pool { sessions, max_idle, .. } = self.pool;
        self.session.surplus = *max_idle < u32::MAX && sessions.state().idle_connections >= *max_idle;
    }
}

impl Deref for Connection<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.session.connection
    }
}

impl DerefMut for Connection<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.session.connection
    }
}

impl<'p> Executor<'p> for &'p Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, sqlx::Result<Either<PgQueryResult, PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.run(async move |connection| connection.fetch_many(query).try_collect::<Vec<_>>().await)
            .map_ok(|steps| stream::iter(steps.into_iter().map(Ok)))
            .try_flatten_stream()
            .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, sqlx::Result<Option<PgRow>>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        self.run(async move |connection| connection.fetch_optional(query).await).boxed()
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, sqlx::Result<PgStatement>>
    where
        'p: 'e,
    {
        self.run(async move |connection| connection.prepare_with(sql, parameters).await).boxed()
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, sqlx::Result<Describe<Postgres>>>
    where
        'p: 'e,
    {
        self.run(async move |connection| connection.describe(sql).await).boxed()
    }
}

fn limit(duration: Duration) -> Option<Duration> {
    (!duration.is_zero()).then_some(duration)
}
