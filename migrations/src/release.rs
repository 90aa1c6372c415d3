//! What belongs to a release, told by its own files: the operator compares it with what is there.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::files::{LoadError, Migrations, Phase};

/// Hashes are compared by people too: 12 of 64 digits tell releases apart well enough.
const HASH_DIGITS: usize = 12;

/// Where the parts of a release stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasePaths {
    /// The folder with `before/` and `after/`.
    pub migrations: PathBuf,
    /// The definition of the search index.
    pub index: PathBuf,
    /// The tables of the change feed.
    pub feed: PathBuf,
}

impl ReleasePaths {
    /// The layout inside an image.
    #[must_use]
    pub fn in_folder(release: &Path) -> Self {
        Self {
            migrations: release.join("migrations"),
            index: release.join("index.json"),
            feed: release.join("feed.json"),
        }
    }
}

/// The description of a release.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Release {
    /// Its version.
    pub version: String,
    /// Its migrations.
    pub migrations: MigrationsDescription,
    /// Its search index.
    pub index: IndexDescription,
    /// Its change feed.
    pub feed: FeedDescription,
}

/// The migrations of a release by kind.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MigrationsDescription {
    /// Applied before the roll.
    pub before: KindDescription,
    /// Applied after it.
    pub after: KindDescription,
}

/// The migrations of one kind.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KindDescription {
    /// Their numbers in order.
    pub versions: Vec<i64>,
    /// First 12 hexadecimal digits of SHA-256 over a line `<version> <checksum in hexadecimal>` for each, so that whoever
    /// can read `_sqlx_migrations` can work it out.
    pub hash: String,
}

/// The search index of a release.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct IndexDescription {
    /// First 12 hexadecimal digits of SHA-256 over the definition's bytes; the index is named by it.
    pub hash: String,
}

/// The change feed of a release.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FeedDescription {
    /// The tables, with their schema.
    pub tables: Vec<String>,
}

impl Release {
    /// Describes the release whose migrations were read from `paths`.
    ///
    /// # Errors
    /// An index definition or feed that cannot be read.
    pub fn describe(version: &str, migrations: &Migrations, paths: &ReleasePaths) -> Result<Self, LoadError> {
        let index = read(&paths.index)?;
        serde_json::from_slice::<serde_json::Value>(&index).map_err(|error| invalid(&paths.index, &error))?;
        let feed = serde_json::from_slice(&read(&paths.feed)?).map_err(|error| invalid(&paths.feed, &error))?;
        Ok(Self {
            version: version.to_owned(),
            migrations: MigrationsDescription {
                before: describe_phase(migrations, Phase::Before),
                after: describe_phase(migrations, Phase::After),
            },
            index: IndexDescription { hash: short_hash(&index) },
            feed,
        })
    }
}

fn describe_phase(migrations: &Migrations, phase: Phase) -> KindDescription {
    let mut versions = Vec::new();
    let mut lines = String::new();
    for file in migrations.files().iter().filter(|file| file.phase == phase) {
        versions.push(file.version());
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{} {}", file.version(), hexadecimal(file.checksum()));
    }
    KindDescription { versions, hash: short_hash(lines.as_bytes()) }
}

fn short_hash(bytes: &[u8]) -> String {
    let mut digits = hexadecimal(&Sha256::digest(bytes));
    digits.truncate(HASH_DIGITS);
    digits
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    fs::read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })
}

fn invalid(path: &Path, error: &serde_json::Error) -> LoadError {
    LoadError::Content { path: path.to_owned(), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_first_twelve_digits_of_sha_256() {
        assert_eq!(short_hash(b""), "e3b0c44298fc");
    }

    #[test]
    fn the_hash_of_a_kind_can_be_worked_out_from_numbers_and_checksums() {
        let migrations = Migrations::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let description = describe_phase(&migrations, Phase::Before);
        let lines: String = migrations
            .files()
            .iter()
            .filter(|file| file.phase == Phase::Before)
            .map(|file| format!("{} {}\n", file.version(), hexadecimal(file.checksum())))
            .collect();
        assert_eq!(description.hash, short_hash(lines.as_bytes()));
        assert_eq!(describe_phase(&migrations, Phase::After).hash, short_hash(b""));
    }
}
