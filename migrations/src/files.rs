//! The numbered SQL files of a release.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{Migration, MigrationType},
};

/// The first line of a file that must not run inside a transaction.
const NO_TRANSACTION: &str = "-- no-transaction";

/// When a file is applied, seen from the roll of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Before it: the older version keeps working.
    Before,
    /// After it: no older pod runs any more.
    After,
}

impl Phase {
    /// Both, in the order in which they are applied.
    pub const ALL: [Phase; 2] = [Phase::Before, Phase::After];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Before => "before",
            Phase::After => "after",
        })
    }
}

/// Which files to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Those of [`Phase::Before`].
    Before,
    /// Those of [`Phase::After`].
    After,
    /// All of `before`, then all of `after`.
    All,
}

impl Kind {
    pub(crate) fn includes(self, phase: Phase) -> bool {
        match self {
            Kind::Before => phase == Phase::Before,
            Kind::After => phase == Phase::After,
            Kind::All => true,
        }
    }
}

/// One numbered file.
#[derive(Debug, Clone)]
pub struct MigrationFile {
    /// The folder it stands in.
    pub phase: Phase,
    /// Folder and file name, as messages show it: `before/0001_events_and_tickets.sql`.
    pub name: String,
    pub(crate) migration: Migration,
}

impl MigrationFile {
    /// Its number, unique over both folders.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.migration.version
    }

    /// sqlx's checksum of its text.
    #[must_use]
    pub fn checksum(&self) -> &[u8] {
        &self.migration.checksum
    }

    fn read(phase: Phase, path: &Path, file_name: &str) -> Result<Self, LoadError> {
        let (version, description) = parse_name(file_name).ok_or_else(|| LoadError::Name(path.to_owned()))?;
        let sql = fs::read_to_string(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
        let no_transaction = sql.lines().next().is_some_and(|line| line.trim_end() == NO_TRANSACTION);
        Ok(Self {
            phase,
            name: format!("{phase}/{file_name}"),
            migration: Migration::new(
                version,
                description.into(),
                MigrationType::Simple,
                AssertSqlSafe(sql).into_sql_str(),
                no_transaction,
            ),
        })
    }
}

/// The files of a release, in the order in which they are applied.
#[derive(Debug, Clone)]
pub struct Migrations {
    pub(crate) files: Vec<MigrationFile>,
}

impl Migrations {
    /// Reads `dir/before/*.sql` and `dir/after/*.sql`. A folder that is missing holds no files.
    ///
    /// # Errors
    /// An unreadable folder or file, an SQL file without a number, a number used twice.
    pub fn load(dir: &Path) -> Result<Self, LoadError> {
        if !dir.is_dir() {
            let source = io::Error::from(io::ErrorKind::NotFound);
            return Err(LoadError::Read { path: dir.to_owned(), source });
        }
        let mut files = Vec::new();
        for phase in Phase::ALL {
            files.extend(read_folder(phase, &dir.join(phase.to_string()))?);
        }
        refuse_double_numbers(&files)?;
        files.sort_by_key(|file| (file.phase, file.version()));
        Ok(Self { files })
    }

    /// All files in the order in which they are applied: `before` by number, then `after` by number.
    #[must_use]
    pub fn files(&self) -> &[MigrationFile] {
        &self.files
    }
}

fn read_folder(phase: Phase, folder: &Path) -> Result<Vec<MigrationFile>, LoadError> {
    let unreadable = |source| LoadError::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let file_name = entry.file_name().to_string_lossy().into_owned();
        if file_name.ends_with(".sql") {
            files.push(MigrationFile::read(phase, &entry.path(), &file_name)?);
        }
    }
    Ok(files)
}

/// `0001_some_name.sql` → (1, "some name").
fn parse_name(file_name: &str) -> Option<(i64, String)> {
    let (number, rest) = file_name.split_once('_')?;
    let description = rest.strip_suffix(".sql")?;
    let version = number.parse().ok().filter(|version| *version > 0)?;
    (!description.is_empty()).then(|| (version, description.replace('_', " ")))
}

fn refuse_double_numbers(files: &[MigrationFile]) -> Result<(), LoadError> {
    let mut seen: BTreeMap<i64, &str> = BTreeMap::new();
    for file in files {
        if let Some(first) = seen.insert(file.version(), &file.name) {
            return Err(LoadError::Twice { first: first.to_owned(), second: file.name.clone() });
        }
    }
    Ok(())
}

/// Why a release's files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A folder or file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An SQL file that would silently never be applied.
    #[error("{} is not named NNNN_name.sql", .0.display())]
    Name(PathBuf),
    /// Two files with one number.
    #[error("{first} and {second} have the same number")]
    Twice {
        /// The one found first.
        first: String,
        /// The one found next.
        second: String,
    },
    /// A JSON file of the release does not hold what it should.
    #[error("{} is not valid: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_positive_number_and_a_description() {
        assert_eq!(parse_name("0012_add_seats.sql"), Some((12, "add seats".to_owned())));
        for wrong in ["add_seats.sql", "0000_x.sql", "-1_x.sql", "0001_.sql", "0001.sql", "1_x.txt"] {
            assert_eq!(parse_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_repositorys_own_files_load_with_before_first() {
        let migrations = Migrations::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let phases: Vec<_> = migrations.files().iter().map(|file| file.phase).collect();
        assert!(phases.is_sorted());
        assert_eq!(migrations.files()[0].name, "before/0001_events_and_tickets.sql");
    }
}
