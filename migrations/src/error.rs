//! An error of a migration: the file, the statement, what PostgreSQL said, and whether a retry can help.

use kit::postgres::ErrorKind;
use release::{JobError, JobExit};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection,
    postgres::{PgDatabaseError, PgErrorPosition},
};

use crate::{files::MigrationFile, statements};

/// An error that stopped the migrations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", details.file.as_deref().unwrap_or("migrations"), details.message)]
pub struct MigrationError {
    /// How the program ends: [`JobExit::Failed`] when the migration itself is wrong or was refused, so that only
    /// another release helps; [`JobExit::Unreachable`] when the database or a lock could not be had, so that the same
    /// may succeed later.
    pub exit: JobExit,
    /// What the report says about it.
    pub details: JobError,
}

impl MigrationError {
    /// An error outside of any file, with a message and nothing else.
    #[must_use]
    pub fn new(exit: JobExit, message: impl Into<String>) -> Self {
        Self { exit, details: JobError::new(message) }
    }

    /// An error outside of any file, in the words of PostgreSQL or of the connection to it.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        let database = error.as_database_error();
        let details = JobError {
            sqlstate: database.and_then(|error| error.code()).map(Into::into),
            ..JobError::new(database.map_or_else(|| error.to_string(), |error| error.message().to_owned()))
        };
        Self { exit: classify(error), details }
    }

    /// The error of a file that runs in a transaction, which has been rolled back.
    pub(crate) async fn of_transaction(conn: &mut PgConnection, file: &MigrationFile, error: &sqlx::Error) -> Self {
        let sql = file.migration.sql.as_str();
        let statement = match positioned_statement(sql, error) {
            Some(statement) => Some(statement),
            None => replayed_statement(conn, sql, error).await,
        };
        Self::of(error).in_file(file, statement)
    }

    /// The error of one statement of a file that runs without a transaction.
    pub(crate) fn of_statement(file: &MigrationFile, statement: &str, error: &sqlx::Error) -> Self {
        Self::of(error).in_file(file, Some(statement.to_owned()))
    }

    /// A refusal to change anything because of one file.
    pub(crate) fn refused(file: &MigrationFile, message: impl Into<String>) -> Self {
        Self::new(JobExit::Failed, message).in_file(file, None)
    }

    fn in_file(mut self, file: &MigrationFile, statement: Option<String>) -> Self {
        self.details = JobError { file: Some(file.name.clone()), statement, ..self.details };
        self
    }
}

/// Whether a retry may succeed. An error of the driver or the network may pass; so may one of the server's that is
/// about its state, about other transactions, or about a login or a database that is still to be made.
fn classify(error: &sqlx::Error) -> JobExit {
    use ErrorKind::{Conflict, ConnectionLost, DatabaseMissing, LoginRefused, Resources, SessionEnded};
    match ErrorKind::of(error) {
        None | Some(ConnectionLost | Conflict | DatabaseMissing | LoginRefused | Resources | SessionEnded) => {
            JobExit::Unreachable
        }
        Some(_) => JobExit::Failed,
    }
}

/// The statement around the position that PostgreSQL gave, if it gave one.
fn positioned_statement(sql: &str, error: &sqlx::Error) -> Option<String> {
    let error = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    let Some(PgErrorPosition::Original(position)) = error.position() else { return None };
    // PostgreSQL counts characters, from 1.
    let at = sql.char_indices().nth(position.checked_sub(1)?).map_or(sql.len(), |(at, _)| at);
    let range = statements::split(sql).into_iter().find(|range| range.end >= at)?;
    Some(sql[range].to_owned())
}

/// Errors of execution (a duplicate key, a violated check) carry no position. The file is run once more, statement by
/// statement, in a transaction that is rolled back, to see where the same error comes.
async fn replayed_statement(conn: &mut PgConnection, sql: &str, error: &sqlx::Error) -> Option<String> {
    let expected = error.as_database_error()?.code()?;
    let mut transaction = conn.begin().await.ok()?;
    for range in statements::split(sql) {
        let statement = sql[range].to_owned();
        if let Err(error) = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *transaction).await {
            let same = error.as_database_error().and_then(|error| error.code()) == Some(expected);
            transaction.rollback().await.ok()?;
            return same.then_some(statement);
        }
    }
    transaction.rollback().await.ok()?;
    None
}
