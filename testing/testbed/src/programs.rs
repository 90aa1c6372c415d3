//! Where the built programs are.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The folder of the programs that were built together with the running program or test.
///
/// # Errors
/// When the operating system does not say where the running program is.
pub fn programs_folder() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    // target/<profile>/<program> or target/<profile>/deps/<test>
    let folder = this.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
    Ok(folder.context("a program is in a folder")?.to_owned())
}
