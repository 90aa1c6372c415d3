//! Describes a release from its own files. The operator compares the description with what the stores hold.

use std::{
    fs,
    path::{Path, PathBuf},
};

use release::{Feed, IndexDefinition, MigrationSet, MigrationSets, Release, short_hash};

use crate::files::{LoadError, Migrations, Phase};

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

/// Describes the release whose migrations were read from `paths`.
///
/// # Errors
/// When the index definition or the feed cannot be read or is not valid JSON.
pub fn describe(version: &str, migrations: &Migrations, paths: &ReleasePaths) -> Result<Release, LoadError> {
    let index = read(&paths.index)?;
    serde_json::from_slice::<serde_json::Value>(&index).map_err(|error| invalid(&paths.index, &error))?;
    let feed: Feed = serde_json::from_slice(&read(&paths.feed)?).map_err(|error| invalid(&paths.feed, &error))?;
    Ok(Release {
        version: version.to_owned(),
        migrations: MigrationSets {
            before: set_of(migrations, Phase::Before),
            after: set_of(migrations, Phase::After),
        },
        index: IndexDefinition { hash: short_hash(&index) },
        feed,
    })
}

fn set_of(migrations: &Migrations, phase: Phase) -> MigrationSet {
    let files = migrations.files().iter().filter(|file| file.phase == phase);
    let checksums: Vec<_> = files.map(|file| (file.version(), hex::encode(file.checksum()))).collect();
    MigrationSet::new(checksums.iter().map(|(version, checksum)| (*version, checksum.as_str())))
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
    fn the_hash_of_a_kind_can_be_worked_out_from_numbers_and_checksums() {
        let migrations = Migrations::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let set = set_of(&migrations, Phase::Before);
        let lines: String = migrations
            .files()
            .iter()
            .filter(|file| file.phase == Phase::Before)
            .map(|file| format!("{} {}\n", file.version(), hex::encode(file.checksum())))
            .collect();
        assert_eq!(set.hash, short_hash(lines.as_bytes()));
        assert_eq!(set_of(&migrations, Phase::After).hash, short_hash(b""));
    }
}
