//! What the runs found, as a table for people and as JSON for programs.

mod ceilings;
mod goals;
mod markdown;
mod spread;

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{machine::Machine, measures::Run, plan::Plan};

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// On what.
    pub machine: Machine,
    /// The version that was measured, as git describes it.
    pub version: String,
    /// How much was measured.
    pub plan: Plan,
    /// What was found, run by run.
    pub runs: Vec<Run>,
}

/// The names of the two files.
const MARKDOWN: &str = "performance.md";
const JSON: &str = "performance.json";

impl Report {
    /// Writes both files into a folder.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, text) in [(MARKDOWN, self.markdown()), (JSON, json)] {
            let file = folder.join(name);
            fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(())
    }
}
