//! The results of all runs, as Markdown for people and as JSON for programs.

mod ceilings;
mod goals;
mod markdown;
mod spread;

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{machine::Machine, measures::Run, plan::Plan};

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub machine: Machine,
    /// The version that was measured, as git describes it.
    pub version: String,
    pub plan: Plan,
    pub runs: Vec<Run>,
}

/// The names of the two files.
const MARKDOWN: &str = "performance.md";
const JSON: &str = "performance.json";

impl Report {
    /// Writes the Markdown and the JSON into a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, text) in [(MARKDOWN, self.markdown()), (JSON, json)] {
            let file = folder.join(name);
            fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(())
    }
}
