//! Where the repository is.

use std::path::{Path, PathBuf};

/// The repository's folder, found from where the program or test runs. A path that was compiled in would be that of
/// another checkout when several share a target folder.
///
/// # Panics
/// When the program runs outside of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let here = std::env::current_dir().expect("a program runs in a folder");
    let found = here.ancestors().find(|folder| folder.join("dev/stores/fetch").exists());
    found.map(Path::to_owned).unwrap_or_else(|| panic!("there is no dev/stores/fetch above {}", here.display()))
}
