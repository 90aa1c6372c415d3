//! Why applying stopped: the file, the statement, what PostgreSQL said, and whether trying again can help.

use sqlx::{
    AssertSqlSafe, Connection, PgConnection,
    postgres::{PgDatabaseError, PgErrorPosition},
};

use crate::{files::MigrationFile, statements};

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// The migration itself is wrong, or refused: only another release helps.
    Failed,
    /// The database or a lock could not be had: the same may succeed later.
    Unavailable,
}

/// What stopped the migrations.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Failure {
    /// Whether trying again can help.
    #[serde(skip)]
    pub class: FailureClass,
    /// The file, as `before/0004_name.sql`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The statement of that file that failed, where it could be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// PostgreSQL's five-character code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// What happened.
    pub message: String,
}

impl Failure {
    /// A failure that says no more than its message.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self { class, file: None, statement: None, sqlstate: None, message: message.into() }
    }

    /// What PostgreSQL, or the way to it, said outside of any file.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        let database = error.as_database_error();
        Self {
            class: classify(error),
            file: None,
            statement: None,
            sqlstate: database.and_then(|error| error.code()).map(Into::into),
            message: database.map_or_else(|| error.to_string(), |error| error.message().to_owned()),
        }
    }

    /// The failure of a file that runs in a transaction, which has been rolled back.
    pub(crate) async fn of_transaction(conn: &mut PgConnection, file: &MigrationFile, error: &sqlx::Error) -> Self {
        let sql = file.migration.sql.as_str();
        let statement = match positioned_statement(sql, error) {
            Some(statement) => Some(statement),
            None => replayed_statement(conn, sql, error).await,
        };
        Self { file: Some(file.name.clone()), statement, ..Self::of(error) }
    }

    /// The failure of one statement of a file that runs without a transaction.
    pub(crate) fn of_statement(file: &MigrationFile, statement: &str, error: &sqlx::Error) -> Self {
        Self { file: Some(file.name.clone()), statement: Some(statement.to_owned()), ..Self::of(error) }
    }

    /// A refusal to touch anything because of one file.
    pub(crate) fn refusal(file: &MigrationFile, message: impl Into<String>) -> Self {
        Self { file: Some(file.name.clone()), ..Self::new(FailureClass::Failed, message) }
    }
}

fn classify(error: &sqlx::Error) -> FailureClass {
    let Some(error) = error.as_database_error() else { return FailureClass::Unavailable };
    let code = error.code().unwrap_or_default();
    // A lock not had in time, a deadlock, a serialization failure; the connection, the server's resources, its shutdown
    // and start; a login or a database that is not there (yet): all of it can be different next time.
    let exact = ["55P03", "40P01", "40001", "57P01", "57P02", "57P03", "57P05", "3D000"];
    let classes = ["08", "28", "53"];
    if exact.contains(&code.as_ref()) || classes.iter().any(|class| code.starts_with(class)) {
        FailureClass::Unavailable
    } else {
        FailureClass::Failed
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
