//! The description of a release. These texts are also shown by `kubectl explain`: the description is part of a
//! platform's status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hash::short_hash;

/// A release's description of itself, made from the files in its own images.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Release {
    /// The version that the image states.
    pub version: String,
    /// The migrations of the release.
    pub migrations: MigrationSets,
    /// The search index that the release reads and writes.
    pub index: IndexDefinition,
    /// The tables that the release's change feed carries.
    pub feed: Feed,
}

/// Migrations of a release, by the moment at which they are applied.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MigrationSets {
    /// Applied before the services roll. The release before this one keeps working with them.
    pub before: MigrationSet,
    /// Applied when no pod of an older version runs any more.
    pub after: MigrationSet,
}

/// Numbered migrations that are applied at the same moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MigrationSet {
    /// Numbers of the migrations, ascending.
    pub versions: Vec<i64>,
    /// First 12 hexadecimal digits of SHA-256 over one line `<number> <checksum in hexadecimal>` for each migration.
    pub hash: String,
}

impl MigrationSet {
    /// The set of these migrations, given as numbers with their checksums in hexadecimal and in ascending order.
    #[must_use]
    pub fn new<'a>(checksums: impl IntoIterator<Item = (i64, &'a str)>) -> Self {
        let (versions, lines): (Vec<i64>, Vec<String>) =
            checksums.into_iter().map(|(version, checksum)| (version, format!("{version} {checksum}\n"))).unzip();
        Self { versions, hash: short_hash(lines.concat().as_bytes()) }
    }

    /// Whether the rows of `_sqlx_migrations` (number → checksum in hexadecimal) contain exactly these migrations. Rows
    /// with other numbers do not matter: they belong to an older or newer release.
    #[must_use]
    pub fn is_applied_in(&self, rows: &BTreeMap<i64, String>) -> bool {
        let found: Option<Vec<_>> =
            self.versions.iter().map(|version| Some((*version, rows.get(version)?.as_str()))).collect();
        found.is_some_and(|found| Self::new(found).hash == self.hash)
    }
}

/// The search index of a release.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IndexDefinition {
    /// First 12 hexadecimal digits of the SHA-256 of the index definition, and the last part of the index's name.
    pub hash: String,
}

/// The change feed of a release.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Feed {
    /// Tables as `<schema>.<table>`.
    pub tables: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(checksums: &[(i64, &str)]) -> BTreeMap<i64, String> {
        checksums.iter().map(|(version, checksum)| (*version, (*checksum).to_owned())).collect()
    }

    #[test]
    fn the_hash_of_a_set_covers_numbers_and_checksums() {
        // printf '1 0a\n2 0b\n' | sha256sum
        assert_eq!(MigrationSet::new([(1, "0a"), (2, "0b")]).hash, "970a86efa3c7");
        assert_eq!(MigrationSet::new([]).hash, "e3b0c44298fc");
    }

    #[test]
    fn a_set_is_applied_when_each_number_has_its_checksum_whatever_else_is_applied() {
        let set = MigrationSet::new([(1, "0a"), (2, "0b")]);
        assert!(set.is_applied_in(&rows(&[(1, "0a"), (2, "0b"), (3, "0c")])));
        assert!(!set.is_applied_in(&rows(&[(1, "0a")])));
        assert!(!set.is_applied_in(&rows(&[(1, "0a"), (2, "ff")])));
    }
}
