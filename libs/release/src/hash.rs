//! Short hashes that name things by their content.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Hexadecimal digits of a short hash. People compare them too: 12 of 64 digits (48 bits) tell a handful of releases apart.
pub const HASH_DIGITS: usize = 12;

/// The first [`HASH_DIGITS`] lower-case hexadecimal digits of the SHA-256 of a content.
#[must_use]
pub fn short_hash(content: &[u8]) -> String {
    hexadecimal(&Sha256::digest(content)[..HASH_DIGITS / 2])
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_hash_is_the_beginning_of_sha_256() {
        // printf '' | sha256sum
        assert_eq!(short_hash(b""), "e3b0c44298fc");
    }

    #[test]
    fn bytes_have_two_digits_each() {
        assert_eq!(hexadecimal(&[0x0a, 0xff]), "0aff");
    }
}
