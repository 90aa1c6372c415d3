//! An instance that belongs to one test or one run.

use std::{io, ops::Deref, thread};

use anyhow::Result;

use super::{Instance, Store};

/// An instance that is gone, with all its data, when this value is dropped.
#[derive(Debug)]
pub struct OwnInstance(Instance);

impl OwnInstance {
    /// Starts these stores of the instance of this name.
    ///
    /// # Errors
    /// When a store cannot be started.
    pub async fn up(name: &str, stores: &[Store]) -> Result<Self> {
        let this = Self(Instance::named(name)?);
        this.0.up(stores).await?;
        Ok(this)
    }

    /// Ends it and says whether it is gone, which dropping the value only prints.
    ///
    /// # Errors
    /// When a store cannot be stopped or a file cannot be removed.
    pub async fn end(self) -> Result<()> {
        self.0.wipe().await
    }
}

impl Deref for OwnInstance {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.0
    }
}

impl Drop for OwnInstance {
    fn drop(&mut self) {
        let instance = self.0.clone();
        // A thread of its own, because the test's runtime may be the one that drops this.
        let wiping = thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(instance.wipe())
        });
        let wiped = wiping.join().unwrap_or_else(|_| Err(io::Error::other("a panic").into()));
        if let Err(error) = wiped {
            eprintln!("the stores of {} stay behind: {error:#}", self.0.name);
        }
    }
}
