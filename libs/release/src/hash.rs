//! Short hashes that name things by their content.

use sha2::{Digest, Sha256};

/// Hexadecimal digits of a short hash. People compare them too: 12 of 64 digits (48 bits) tell a handful of releases
/// apart.
pub const HASH_DIGITS: usize = 12;

/// The first [`HASH_DIGITS`] lower-case hexadecimal digits of the SHA-256 of a content.
#[must_use]
pub fn short_hash(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content)[..HASH_DIGITS / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_hash_is_the_beginning_of_sha_256() {
        // printf '' | sha256sum
        assert_eq!(short_hash(b""), "e3b0c44298fc");
    }
}
