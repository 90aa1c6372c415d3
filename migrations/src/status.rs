//! Which files are applied.

use std::fmt;

use sqlx::PgConnection;

use crate::{
    error::MigrationError,
    files::{Migrations, Phase},
    up::{TABLE, applied_checksums},
};

/// How a file stands in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileState {
    /// Applied as it is.
    Applied,
    /// Applied, and edited since: `up` refuses it.
    Changed,
    /// Not applied yet.
    Pending,
    /// Applied by a release that this one does not know.
    Unknown,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FileStatus {
    /// Its number.
    pub version: i64,
    /// Its kind, if this release knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Phase>,
    /// Its folder and name, if this release knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How it stands.
    pub state: FileState,
}

/// All files of the release and of the database, by number. Its text form is a table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// The files.
    pub files: Vec<FileStatus>,
}

impl Migrations {
    /// Compares the release with the database, which is not changed.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn status(&self, conn: &mut PgConnection) -> Result<Status, MigrationError> {
        let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(TABLE)
            .fetch_one(&mut *conn)
            .await
            .map_err(|error| MigrationError::of(&error))?;
        let mut applied = if exists { applied_checksums(conn).await? } else { Default::default() };
        let known = self.files.iter().map(|file| FileStatus {
            version: file.version(),
            kind: Some(file.phase),
            file: Some(file.name.clone()),
            state: match applied.remove(&file.version()) {
                None => FileState::Pending,
                Some(checksum) if checksum == file.checksum() => FileState::Applied,
                Some(_) => FileState::Changed,
            },
        });
        let mut files: Vec<FileStatus> = known.collect();
        files.extend(applied.into_keys().map(|version| FileStatus {
            version,
            kind: None,
            file: None,
            state: FileState::Unknown,
        }));
        files.sort_by_key(|file| file.version);
        Ok(Status { files })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} FILE", "STATE")?;
        for file in &self.files {
            let state = format!("{:?}", file.state).to_lowercase();
            let name = file.file.clone().unwrap_or_else(|| format!("{:04} (of another release)", file.version));
            write!(f, "\n{state:<9} {name}")?;
        }
        Ok(())
    }
}
