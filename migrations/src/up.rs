//! Applying what is missing.

use std::{collections::BTreeMap, time::Duration};

use release::JobExit;
use sqlx::{
    AssertSqlSafe, PgConnection,
    migrate::{Migrate, MigrateError},
};
use tokio::time::Instant;

use crate::{
    error::MigrationError,
    files::{Kind, MigrationFile, Migrations},
    statements,
};

/// How long to wait for a lock when nobody says otherwise: longer, and live traffic would queue behind the waiting
/// statement.
pub const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// sqlx's own table, so that sqlx's tools read it too.
pub(crate) const TABLE: &str = "_sqlx_migrations";

/// The advisory lock that lets one migration run at a time in a database. ("tickets" in ASCII.)
const LOCK_KEY: i64 = 0x74_69_63_6b_65_74_73;

const LOCK_ATTEMPT_PAUSE: Duration = Duration::from_millis(100);

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The numbers applied by this run, in order.
    pub applied: Vec<i64>,
    /// The numbers of this release that are still not applied.
    pub pending: Vec<i64>,
}

/// A run that stopped, and what it had done until then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct UpError {
    /// What had been applied.
    pub outcome: Outcome,
    /// What stopped it.
    pub error: MigrationError,
}

impl Migrations {
    /// Applies the files of this kind that are missing, waiting for no lock longer than [`DEFAULT_LOCK_TIMEOUT`].
    ///
    /// # Errors
    /// See [`Migrations::up_within`].
    pub async fn up(&self, conn: &mut PgConnection, kind: Kind) -> Result<Outcome, UpError> {
        self.up_within(conn, kind, DEFAULT_LOCK_TIMEOUT).await
    }

    /// Applies the files of this kind that are missing. Of several runs at once, one works and the others wait.
    ///
    /// # Errors
    /// A file that was changed after it was applied; a statement that fails, after which its file has left no trace; a
    /// lock that cannot be had within `lock_timeout`; a lost connection.
    pub async fn up_within(
        &self,
        conn: &mut PgConnection,
        kind: Kind,
        lock_timeout: Duration,
    ) -> Result<Outcome, UpError> {
        let mut outcome =
            Outcome { applied: Vec::new(), pending: self.files.iter().map(MigrationFile::version).collect() };
        let result = self.apply_missing(conn, kind, lock_timeout, &mut outcome).await;
        // Ending the connection would free the lock as well: an error here changes nothing.
        let _ = sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut *conn).await;
        match result {
            Ok(()) => Ok(outcome),
            Err(error) => Err(UpError { outcome, error }),
        }
    }

    async fn apply_missing(
        &self,
        conn: &mut PgConnection,
        kind: Kind,
        lock_timeout: Duration,
        outcome: &mut Outcome,
    ) -> Result<(), MigrationError> {
        set_limits(conn, lock_timeout).await.map_err(|error| MigrationError::of(&error))?;
        take_lock(conn, lock_timeout).await?;
        conn.ensure_migrations_table(TABLE).await.map_err(unexpected)?;
        let applied = applied_checksums(conn).await?;
        outcome.pending.retain(|version| !applied.contains_key(version));
        self.refuse_changed(&applied)?;
        for file in &self.files {
            if kind.includes(file.phase) && !applied.contains_key(&file.version()) {
                apply(conn, file).await?;
                tracing::info!(file = file.name, "applied");
                outcome.applied.push(file.version());
                outcome.pending.retain(|version| *version != file.version());
            }
        }
        Ok(())
    }

    /// Applied files that this release does not know are of a newer one, and none of our business.
    fn refuse_changed(&self, applied: &BTreeMap<i64, Vec<u8>>) -> Result<(), MigrationError> {
        let changed = |file: &&MigrationFile| applied.get(&file.version()).is_some_and(|sum| sum != file.checksum());
        match self.files.iter().find(changed) {
            None => Ok(()),
            Some(file) => Err(MigrationError::refused(
                file,
                "was changed after it was applied: its checksum differs from the one in the database",
            )),
        }
    }
}

async fn set_limits(conn: &mut PgConnection, lock_timeout: Duration) -> Result<(), sqlx::Error> {
    // client_connection_check_interval: a migration whose program was killed must not go on holding its locks.
    sqlx::query(
        "SELECT set_config('lock_timeout', $1, false),
                set_config('client_connection_check_interval', '1s', false),
                set_config('search_path', 'public', false)",
    )
    .bind(format!("{}ms", lock_timeout.as_millis()))
    .execute(conn)
    .await
    .map(drop)
}

/// Asks again and again instead of waiting inside PostgreSQL (as sqlx's own lock does): a statement that waits holds a
/// snapshot, and `CREATE INDEX CONCURRENTLY` in the run ahead would wait for it: a deadlock.
async fn take_lock(conn: &mut PgConnection, lock_timeout: Duration) -> Result<(), MigrationError> {
    let deadline = Instant::now() + lock_timeout;
    loop {
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(LOCK_KEY)
            .fetch_one(&mut *conn)
            .await
            .map_err(|error| MigrationError::of(&error))?;
        if taken {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let message = format!("another migration of this database has been running for more than {lock_timeout:?}");
            return Err(MigrationError::new(JobExit::Unreachable, message));
        }
        tokio::time::sleep(LOCK_ATTEMPT_PAUSE).await;
    }
}

/// The checksums of the applied files by number.
pub(crate) async fn applied_checksums(conn: &mut PgConnection) -> Result<BTreeMap<i64, Vec<u8>>, MigrationError> {
    let rows = conn.list_applied_migrations(TABLE).await.map_err(unexpected)?;
    Ok(rows.into_iter().map(|row| (row.version, row.checksum.into_owned())).collect())
}

async fn apply(conn: &mut PgConnection, file: &MigrationFile) -> Result<(), MigrationError> {
    if file.migration.no_tx {
        return apply_statement_by_statement(conn, file).await;
    }
    match conn.apply(TABLE, &file.migration).await {
        Ok(_) => Ok(()),
        Err(MigrateError::ExecuteMigration(error, _) | MigrateError::Execute(error)) => {
            Err(MigrationError::of_transaction(conn, file, &error).await)
        }
        Err(error) => Err(MigrationError::refused(file, error.to_string())),
    }
}

/// Several statements sent as one text would be one transaction, which is what such a file must avoid.
async fn apply_statement_by_statement(conn: &mut PgConnection, file: &MigrationFile) -> Result<(), MigrationError> {
    let sql = file.migration.sql.as_str();
    for range in statements::split(sql) {
        let statement = &sql[range];
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut *conn)
            .await
            .map_err(|error| MigrationError::of_statement(file, statement, &error))?;
    }
    conn.skip(TABLE, &file.migration).await.map_err(unexpected)
}

fn unexpected(error: MigrateError) -> MigrationError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => MigrationError::of(&error),
        error => MigrationError::new(JobExit::Failed, error.to_string()),
    }
}
