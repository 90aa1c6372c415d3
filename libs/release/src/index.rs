//! The name of a search index: `<prefix>-<hash of its definition>`.

use crate::hash::HASH_DIGITS;

/// The name of the index with this definition hash.
#[must_use]
pub fn index_name(prefix: &str, hash: &str) -> String {
    format!("{prefix}-{hash}")
}

/// Whether an index has a name of this prefix. A search for `<prefix>-*` alone also finds the indexes of a platform
/// whose prefix only begins the same, and a deletion by that pattern would delete them.
#[must_use]
pub fn is_index_name(name: &str, prefix: &str) -> bool {
    let hash = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
    hash.is_some_and(|hash| hash.len() == HASH_DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::{index_name, is_index_name};

    #[test]
    fn a_name_made_from_prefix_and_hash_is_recognised() {
        assert_eq!(index_name("events", "0123456789ab"), "events-0123456789ab");
        assert!(is_index_name("events-0123456789ab", "events"));
    }

    #[test]
    fn indexes_of_a_longer_prefix_belong_to_another_platform() {
        assert!(!is_index_name("events-test-0123456789ab", "events"));
        assert!(!is_index_name("events-archive", "events"));
    }
}
