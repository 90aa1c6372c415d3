//! Short hashes that name things by their content.

use sha2::{Digest, Sha256};

/// Hexadecimal digits of a name's hash: 48 bits, enough to tell a handful of revisions apart.
const DIGITS: usize = 12;

/// The first 12 lower-case hexadecimal digits of a digest.
pub fn short_hex(digest: &[u8]) -> String {
    digest.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// A short hash of several parts. Each is preceded by its length, so no two lists of parts run together.
pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    short_hex(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
        assert_eq!(of(["ab", "c"]).len(), 12);
    }
}
