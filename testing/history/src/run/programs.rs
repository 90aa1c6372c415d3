//! The services' programs.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Result, ensure};
use testbed::{programs_folder, repository};

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs(PathBuf);

/// Programs, and the folders of what they are built from.
const NEEDED: [(&str, &[&str]); 2] = [
    ("booking", &["services/booking/src", "libs/seats/src", "libs/kit/src"]),
    ("event-management", &["services/event-management/src", "libs/seats/src", "libs/kit/src"]),
];

impl Programs {
    /// Those that were built with the running program or test.
    ///
    /// # Errors
    /// When one of them is missing, or older than what it is built from.
    pub fn beside_this() -> Result<Self> {
        let programs = Self(programs_folder()?);
        for (name, sources) in NEEDED {
            let built = programs.path(name).metadata().and_then(|file| file.modified());
            for source in sources {
                let changed = last_change(&repository().join(source))?;
                ensure!(
                    built.as_ref().is_ok_and(|built| *built >= changed),
                    "{} is not built from what is there: cargo build --workspace --bins",
                    programs.path(name).display()
                );
            }
        }
        Ok(programs)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

fn last_change(folder: &Path) -> Result<SystemTime> {
    let mut last = SystemTime::UNIX_EPOCH;
    for entry in folder.read_dir()? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let changed = if metadata.is_dir() { last_change(&entry.path())? } else { metadata.modified()? };
        last = last.max(changed);
    }
    Ok(last)
}
