//! Short hashes, which name things by their content.

use release::short_hash;

/// The short hash of several parts. Each part is preceded by its length, so that `ab, c` and `a, bc` differ.
pub(crate) fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut content = Vec::new();
    for part in parts {
        content.extend((part.len() as u64).to_be_bytes());
        content.extend(part.as_bytes());
    }
    short_hash(&content)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
        assert_eq!(of(["ab", "c"]).len(), release::HASH_DIGITS);
    }
}
