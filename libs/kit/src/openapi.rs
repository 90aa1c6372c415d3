//! The OpenAPI document of a service. The program serves it and the repository keeps it; a test compares the two.

use std::path::Path;

use utoipa::openapi::OpenApi;

/// The environment variable that makes [`assert_committed`] write the file instead of comparing it (`make generate`).
pub const UPDATE_VARIABLE: &str = "UPDATE_GENERATED";

/// Fails a test unless the committed document is the one that the program serves.
///
/// # Panics
/// When the two differ, or the file cannot be read or written.
#[expect(clippy::panic, clippy::expect_used, reason = "an assertion for tests")]
pub fn assert_committed(path: &Path, document: &OpenApi) {
    let mut served = document.to_pretty_json().expect("an OpenAPI document is JSON");
    served.push('\n');
    if std::env::var_os(UPDATE_VARIABLE).is_some() {
        std::fs::write(path, served).expect("the committed document can be written");
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    if committed != served {
        panic!("{} is not what the program serves: run `make generate` and commit it", path.display());
    }
}
