//! The services' programs.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};

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
        let this = std::env::current_exe()?;
        // target/<profile>/<program> or target/<profile>/deps/<test>
        let folder = this.ancestors().skip(1).find(|folder| !folder.ends_with("deps"));
        let programs = Self(folder.context("a program lies in a folder")?.to_owned());
        for (name, sources) in NEEDED {
            let built = programs.path(name).metadata().and_then(|file| file.modified());
            for source in sources {
                let changed = last_change(&repository()?.join(source))?;
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

/// The folder of the repository, found from where the program runs.
pub(crate) fn repository() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    let found = here.ancestors().find(|folder| folder.join("dev/stores/stores").exists());
    found.map(Path::to_owned).with_context(|| format!("there is no dev/stores above {}", here.display()))
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
