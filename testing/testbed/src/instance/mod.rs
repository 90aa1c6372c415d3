//! An instance of the five stores as plain processes on loopback, without a container engine.

mod folders;
mod holder;
mod life;
mod own;
mod ports;
mod probe;
mod settings;
mod store;
mod tools;

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};

use self::{folders::Folders, ports::Ports};
pub use self::{own::OwnInstance, store::Store};
use crate::{
    repository,
    signal::{self, Signal},
};

/// The time in which a store must be ready. Java needs most of it on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// A probe without an answer is given up after this, and asked again.
const PROBE_ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const PROBE_AGAIN_AFTER: Duration = Duration::from_millis(100);
/// A store that has not ended this long after its signal is killed.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
/// The pause between two looks at a process.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Passwords of a development machine, the same in every instance. Each is written where the pods have it mounted.
const PASSWORDS: [(&str, &str); 4] = [
    ("postgres-superuser", "postgres"),
    ("postgres-service", "service"),
    ("postgres-migration", "migration"),
    ("postgres-change-feed", "change-feed"),
];

/// A named instance. Its stores run on when this value is dropped; all that is known of them is in the instance's folder.
#[derive(Debug, Clone)]
pub struct Instance {
    pub name: String,
    folders: Folders,
}

impl Instance {
    /// The instance of this name, whether it runs or not.
    ///
    /// # Errors
    /// When the name has other characters than lower-case letters, digits and dashes.
    pub fn named(name: &str) -> Result<Self> {
        Self::of_repository(name, repository())
    }

    /// Like [`Instance::named`], for a program that runs outside of the repository.
    ///
    /// # Errors
    /// When the name has other characters than lower-case letters, digits and dashes.
    pub fn of_repository(name: &str, repository: PathBuf) -> Result<Self> {
        let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        ensure!(
            !name.is_empty() && !name.starts_with('-') && name.chars().all(allowed),
            "the name of an instance is made of lower-case letters, digits and dashes"
        );
        Ok(Self { name: name.to_owned(), folders: Folders::of_instance(name, repository)? })
    }

    /// Fetches all files into the cache, once, and returns their folder. [`Instance::up`] does it too.
    ///
    /// # Errors
    /// When `dev/stores/fetch` fails.
    pub async fn fetch(&self) -> Result<PathBuf> {
        self.folders.fetched().await
    }

    /// Starts those of these stores that do not run, and waits until all of them are ready. Returns the ones it started.
    ///
    /// # Errors
    /// When a store cannot be fetched or started, ends, or is not ready in time. The error has the end of its log.
    pub async fn up(&self, stores: &[Store]) -> Result<Vec<Store>> {
        let (started, ports) = self.launch(stores).await?;
        // Together: Connect waits for Kafka by itself.
        for store in stores {
            self.wait_until_ready(*store, ports.of(store.port_name())?).await?;
        }
        Ok(started)
    }

    async fn launch(&self, stores: &[Store]) -> Result<(Vec<Store>, Ports)> {
        let fetched = self.fetch().await?;
        let _lock = self.lock().await?;
        self.write_passwords()?;
        let mut ports = self.ports()?;
        let mut started = Vec::new();
        for store in stores {
            if !self.runs(*store) {
                // What a crash left would write into the same data.
                self.kill_rest(*store).await?;
                ports.choose(*store, &self.name, &self.folders)?;
                holder::launch(&self.folders, &fetched, *store, &ports)?;
                started.push(*store);
            }
        }
        Ok((started, ports))
    }

    /// Stops these stores, the last one first. Their data stays.
    ///
    /// # Errors
    /// When a store cannot be sent a signal or does not end.
    pub async fn down(&self, stores: &[Store]) -> Result<()> {
        if !self.folders.instance.exists() {
            return Ok(());
        }
        let _lock = self.lock().await?;
        self.stop_each(stores).await
    }

    /// Stops all stores and drops their data.
    ///
    /// # Errors
    /// When a store cannot be stopped or a file cannot be removed.
    pub async fn wipe(&self) -> Result<()> {
        if !self.folders.instance.exists() {
            return Ok(());
        }
        let _lock = self.lock().await?;
        self.stop_each(&Store::ALL).await?;
        Ok(fs::remove_dir_all(&self.folders.instance)?)
    }

    async fn stop_each(&self, stores: &[Store]) -> Result<()> {
        for store in stores.iter().rev() {
            self.stop(*store).await?;
        }
        Ok(())
    }

    /// The number of the store's first process, which takes all others with it when it ends.
    ///
    /// # Errors
    /// When the store does not run.
    pub fn pid(&self, store: Store) -> Result<u32> {
        let first = holder::read(&self.folders, store).and_then(|holder| holder.first_child());
        first.with_context(|| format!("{store} of instance {} does not run", self.name))
    }

    /// Kills all processes of a store (SIGKILL), and waits until they are gone.
    ///
    /// # Errors
    /// When the store does not run.
    pub async fn kill(&self, store: Store) -> Result<()> {
        self.pid(store)?;
        self.kill_rest(store).await
    }

    /// Stops all processes of a store (SIGSTOP): they stand still, their connections stay open.
    ///
    /// # Errors
    /// When the store does not run.
    pub fn pause(&self, store: Store) -> Result<()> {
        self.pid(store)?;
        self.signal_all(store, Signal::STOP)
    }

    /// Lets a paused store run again (SIGCONT).
    ///
    /// # Errors
    /// When the store does not run.
    pub fn resume(&self, store: Store) -> Result<()> {
        self.pid(store)?;
        self.signal_all(store, Signal::CONT)
    }

    /// One line for each store: its address, process and memory, that it is down, or that it was left behind.
    ///
    /// # Errors
    /// When the ports cannot be read.
    pub fn status(&self) -> Result<String> {
        let ports = self.ports()?;
        let lines = Store::ALL.map(|store| match (self.pid(store), ports.of(store.port_name())) {
            (Ok(pid), Ok(port)) => {
                let mib = life::memory_mib(&self.processes(store));
                format!("{:<14} 127.0.0.1:{port:<6} pid {pid:<8} {mib:>5} MiB\n", store.name())
            }
            _ => match self.processes(store)[..] {
                [] => format!("{:<14} down\n", store.name()),
                // Its holder was killed alone.
                [pid, ..] => format!("{:<14} left behind, pid {pid}: `up` or `down` ends it\n", store.name()),
            },
        });
        Ok(lines.concat())
    }

    /// Starts and ends follow one another: two starts at the same time start each store once. The lock ends with the
    /// file.
    async fn lock(&self) -> Result<File> {
        let path = self.folders.instance.join(".lock");
        loop {
            fs::create_dir_all(&self.folders.instance)?;
            let file = File::create(&path)?;
            let file = spawn_blocking(move || file.lock().map(|()| file)).await??;
            // Whoever had the lock may have removed the file with the whole instance.
            if fs::metadata(&path).is_ok_and(|now| file.metadata().is_ok_and(|held| held.ino() == now.ino())) {
                return Ok(file);
            }
        }
    }

    fn write_passwords(&self) -> Result<()> {
        for (secret, password) in PASSWORDS {
            let folder = self.folders.instance.join("secrets").join(secret);
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("password"), password)?;
        }
        Ok(())
    }

    async fn wait_until_ready(&self, store: Store, port: u16) -> Result<()> {
        let log = self.folders.log(store);
        let end_of_log = || format!("the end of {}: {}", log.display(), end_of(&log));
        let ready = async {
            while !matches!(timeout(PROBE_ANSWERS_WITHIN, probe::answers(store, port)).await, Ok(Ok(()))) {
                ensure!(self.runs(store), "{store} ended; {}", end_of_log());
                sleep(PROBE_AGAIN_AFTER).await;
            }
            ensure!(self.runs(store), "{store} ended, and something else answers on port {port}; {}", end_of_log());
            Ok(())
        };
        let in_time = timeout(READY_WITHIN, ready).await;
        in_time.with_context(|| format!("{store} is not ready after {READY_WITHIN:?}; {}", end_of_log()))?
    }

    async fn stop(&self, store: Store) -> Result<()> {
        if let Ok(first) = self.pid(store) {
            signal::send(first, store.stop_signal())?;
            // A paused process receives the signal only once it runs again.
            self.signal_all(store, Signal::CONT)?;
            let deadline = Instant::now() + ENDS_WITHIN;
            while self.runs(store) && Instant::now() < deadline {
                sleep(LOOK_AGAIN_AFTER).await;
            }
            if self.runs(store) {
                eprintln!("{store} did not end by itself");
            }
        }
        self.kill_rest(store).await?;
        holder::forget(&self.folders, store);
        Ok(())
    }

    /// Kills what is left of a store, and waits until it is gone, with its sockets and locks. A holder that was killed
    /// leaves the store behind: the kernel does not end them together, because the store has another user.
    async fn kill_rest(&self, store: Store) -> Result<()> {
        let deadline = Instant::now() + ENDS_WITHIN;
        loop {
            let holder = holder::read(&self.folders, store).map(|holder| holder.pid);
            let rest: Vec<u32> = self.processes(store).into_iter().chain(holder).collect();
            if rest.is_empty() {
                return Ok(());
            }
            for pid in &rest {
                signal::send(*pid, Signal::KILL)?;
            }
            while rest.iter().any(|pid| life::has_live_thread(*pid)) {
                ensure!(Instant::now() < deadline, "{store} was killed and does not end; its processes are {rest:?}");
                sleep(LOOK_AGAIN_AFTER).await;
            }
        }
    }

    fn signal_all(&self, store: Store, signal: Signal) -> Result<()> {
        for pid in self.processes(store) {
            signal::send(pid, signal)?;
        }
        Ok(())
    }

    fn processes(&self, store: Store) -> Vec<u32> {
        life::processes_on(&self.folders.data(store))
    }

    fn runs(&self, store: Store) -> bool {
        holder::read(&self.folders, store).is_some()
    }

    fn ports(&self) -> Result<Ports> {
        Ports::read(&self.folders)
    }
}

fn end_of(log: &Path) -> String {
    const LINES: usize = 15;
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
