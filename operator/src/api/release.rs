//! What a release says about itself, and what the migration Job reports.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A release's description of itself, out of its own images: the operator knows nothing about versions.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub struct Release {
    /// The version the image says it is.
    pub version: String,
    /// Migrations it needs before its services roll, and those that wait until no older pod runs.
    pub migrations: Migrations,
    /// The search index it reads and writes.
    pub index: IndexDefinition,
    /// What its change feed carries.
    pub feed: Feed,
}

/// Migrations of a release, by kind.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub struct Migrations {
    /// Applied before the services roll; the release before keeps working with them.
    pub before: MigrationSet,
    /// Applied when no pod of an older version runs any more.
    pub after: MigrationSet,
}

/// Numbered migrations of one kind.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub struct MigrationSet {
    /// Their numbers, ascending.
    pub versions: Vec<i64>,
    /// First 12 hexadecimal digits of SHA-256 over lines of number and checksum.
    pub hash: String,
}

impl MigrationSet {
    /// Whether the rows of `_sqlx_migrations` (number → checksum in hexadecimal) hold exactly these migrations.
    /// Rows of other numbers do not matter: an older or newer release may know more.
    pub fn is_applied_in(&self, rows: &BTreeMap<i64, String>) -> bool {
        let mut digest = Sha256::new();
        for version in &self.versions {
            let Some(checksum) = rows.get(version) else { return false };
            digest.update(format!("{version} {checksum}\n"));
        }
        self.hash == crate::hash::short_hex(&digest.finalize())
    }
}

/// The search index of a release.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub struct IndexDefinition {
    /// First 12 hexadecimal digits of the definition's SHA-256; the last part of the index's name.
    pub hash: String,
}

/// The change feed of a release.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub struct Feed {
    /// Tables as `<schema>.<table>`.
    pub tables: Vec<String>,
}

/// What `ticket-migrate up` leaves as its termination message.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct MigrationResult {
    /// The release's description; absent when even that could not be read.
    pub release: Option<Release>,
    /// Numbers that are applied now.
    #[serde(default)]
    pub applied: Vec<i64>,
    /// Numbers that are not.
    #[serde(default)]
    pub pending: Vec<i64>,
    /// What went wrong.
    pub error: Option<MigrationError>,
}

/// Why a migration failed.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct MigrationError {
    /// `before/0004_add_subtitle.sql`
    pub file: Option<String>,
    /// The statement, possibly cut.
    pub statement: Option<String>,
    /// PostgreSQL's code.
    pub sqlstate: Option<String>,
    /// PostgreSQL's words.
    pub message: String,
}

impl std::fmt::Display for MigrationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(sqlstate) = &self.sqlstate {
            write!(f, " (SQLSTATE {sqlstate})")?;
        }
        if let Some(statement) = &self.statement {
            write!(f, " in `{}`", statement.trim())?;
        }
        Ok(())
    }
}
