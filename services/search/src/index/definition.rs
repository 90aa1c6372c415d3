//! The definition of the index (`index.json`): settings, mapping and document shape. Each release carries one.

use std::{io, path::Path};

use serde_json::Value;
use thiserror::Error;

/// An index definition and the hash of its bytes. The index' name contains the hash, so a changed definition makes a
/// new index and never edits a live one.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    body: Value,
    hash: String,
}

/// The file is no index definition.
#[derive(Debug, Error)]
pub(crate) enum DefinitionError {
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error("is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("has no object `mappings`")]
    NoMappings,
}

impl Definition {
    /// The definition that is compiled into this program.
    pub(crate) fn compiled_in() -> Result<Self, DefinitionError> {
        Self::parse(include_bytes!("../../index.json"))
    }

    pub(crate) fn read(path: &Path) -> Result<Self, DefinitionError> {
        Self::parse(&std::fs::read(path)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self, DefinitionError> {
        let body: Value = serde_json::from_slice(bytes)?;
        if !body["mappings"].is_object() {
            return Err(DefinitionError::NoMappings);
        }
        Ok(Self { body, hash: release::short_hash(bytes) })
    }

    pub(crate) fn body(&self) -> &Value {
        &self.body
    }

    /// The name of the index with this definition.
    pub(crate) fn index_name(&self, prefix: &str) -> String {
        release::index_name(prefix, &self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_definition_is_valid_and_keeps_delete_tombstones_long_enough() {
        let definition = Definition::compiled_in().unwrap();
        assert_eq!(definition.body()["mappings"]["dynamic"], "strict");
        // A stale write that arrives after its delete's tombstone is gone would bring the document back.
        assert_eq!(definition.body()["settings"]["index"]["gc_deletes"], "1h");
    }

    #[test]
    fn the_name_ends_in_the_first_twelve_digits_of_the_files_sha_256() {
        // printf '{"mappings":{}}' | sha256sum
        let definition = Definition::parse(br#"{"mappings":{}}"#).unwrap();
        assert_eq!(definition.index_name("events"), "events-cad2ed089648");
    }

    #[test]
    fn other_files_are_refused() {
        assert!(matches!(Definition::parse(b"nonsense"), Err(DefinitionError::Json(_))));
        assert!(matches!(Definition::parse(b"{}"), Err(DefinitionError::NoMappings)));
        assert!(matches!(Definition::read(Path::new("/nowhere/index.json")), Err(DefinitionError::Read(_))));
    }
}
