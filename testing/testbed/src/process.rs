//! A program as a process of its own, which can be killed, paused and started again.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    eventually::within,
    signal::{self, Signal},
};

/// A program that does not listen after this has failed. It is long because the machine may be busy.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// A service drains for at most this long after SIGTERM.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// What to start: a program, its arguments and its whole environment.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<String, String>,
    log: Log,
    address_in: fn(&str) -> Option<SocketAddr>,
}

/// Where the output of a process goes.
#[derive(Debug, Clone)]
enum Log {
    /// Standard output is kept for [`Process::lines`]; standard error is that of the test.
    Kept(Arc<Mutex<Vec<String>>>),
    /// Only errors are of interest, and are shown.
    ErrorsShown,
    /// Both outputs are appended to this file.
    File(PathBuf),
}

impl Program {
    /// A program with no arguments and nothing in its environment.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            log: Log::Kept(Arc::default()),
            address_in: address_in_log_entry,
        }
    }

    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Adds settings; a later one replaces an earlier one of the same name.
    #[must_use]
    pub fn environment(mut self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(pairs);
        self
    }

    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Appends all output to a file instead of keeping it in memory.
    #[must_use]
    pub fn log_to(mut self, file: PathBuf) -> Self {
        self.log = Log::File(file);
        self
    }

    /// Shows log entries of level ERROR, and keeps nothing.
    #[must_use]
    pub fn show_errors(mut self) -> Self {
        self.log = Log::ErrorsShown;
        self
    }

    /// How the program tells its address in a line of its output, for one that does not log like our services.
    #[must_use]
    pub fn address_in(mut self, find: fn(&str) -> Option<SocketAddr>) -> Self {
        self.address_in = find;
        self
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self) -> Result<Output> {
        self.command().output().with_context(|| format!("{} cannot be started", self.path.display()))
    }

    /// Starts the program and waits until it listens: on a free loopback port, unless `SERVER_ADDR` is set.
    ///
    /// # Errors
    /// When it cannot be started, ends, or does not listen in time.
    pub async fn serve(self) -> Result<Process> {
        let program = self.with_default("SERVER_ADDR", "127.0.0.1:0").set("SERVER_MODE", "release");
        let (running, addr) = program.spawn_and_listen().await?;
        Ok(Process { addr, url: format!("http://{addr}"), program, running: Mutex::new(Some(running)) })
    }

    fn with_default(mut self, name: &str, value: &str) -> Self {
        self.environment.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear().envs(&self.environment).stdin(Stdio::null());
        command
    }

    async fn spawn_and_listen(&self) -> Result<(Running, SocketAddr)> {
        let name = self.path.display();
        let (running, listening) = self.spawn().with_context(|| format!("{name} cannot be started"))?;
        match timeout(STARTS_WITHIN, listening).await {
            Ok(Ok(addr)) => Ok((running, addr)),
            Ok(Err(_)) => bail!("{name} ended before it listened: {}", self.log.end()),
            Err(_) => bail!("{name} does not listen after {STARTS_WITHIN:?}: {}", self.log.end()),
        }
    }

    fn spawn(&self) -> io::Result<(Running, oneshot::Receiver<SocketAddr>)> {
        let mut command = self.command();
        command.stdout(Stdio::piped());
        let log = self.log.clone();
        if let Some(file) = log.file()? {
            command.stderr(file);
        }
        let mut child = command.spawn()?;
        let output = child.stdout.take().expect("its output is piped");
        let (announce, listening) = oneshot::channel();
        let address_in = self.address_in;
        let reader = std::thread::spawn(move || read_output(output, &log, address_in, announce));
        Ok((Running { child, reader: Some(reader) }, listening))
    }
}

/// Reads all that a process writes, so that it never waits for its reader, and announces its address.
fn read_output(
    output: ChildStdout,
    log: &Log,
    address_in: fn(&str) -> Option<SocketAddr>,
    announce: oneshot::Sender<SocketAddr>,
) {
    let mut announce = Some(announce);
    let mut file = log.file().ok().flatten();
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        let addr = announce.as_ref().and_then(|_| address_in(&line));
        match (log, &mut file) {
            (Log::Kept(lines), _) => locked(lines).push(line),
            (Log::File(_), Some(file)) => drop(writeln!(file, "{line}")),
            (Log::ErrorsShown, _) if line.contains(r#""level":"ERROR""#) => eprintln!("{line}"),
            _ => {}
        }
        if let Some(addr) = addr {
            // Nobody waits for the address any more when the start took too long.
            announce.take().map(|announce| announce.send(addr));
        }
    }
}

/// Our services log where they listen: `{"message": "listening", "addr": "127.0.0.1:4711", …}`.
fn address_in_log_entry(line: &str) -> Option<SocketAddr> {
    let entry: serde_json::Value = serde_json::from_str(line).ok()?;
    if entry["message"] == "listening" { entry["addr"].as_str()?.parse().ok() } else { None }
}

impl Log {
    fn file(&self) -> io::Result<Option<File>> {
        match self {
            Self::File(path) => OpenOptions::new().create(true).append(true).open(path).map(Some),
            Self::Kept(_) | Self::ErrorsShown => Ok(None),
        }
    }

    /// The last lines, for a message about a process that failed.
    fn end(&self) -> String {
        const LINES: usize = 15;
        match self {
            Self::Kept(lines) => {
                let lines = locked(lines);
                lines[lines.len().saturating_sub(LINES)..].join("\n")
            }
            Self::ErrorsShown => "its errors are above".to_owned(),
            Self::File(path) => format!("see {}", path.display()),
        }
    }
}

/// A running program that listens. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Process {
    pub addr: SocketAddr,
    /// `http://host:port`.
    pub url: String,
    program: Program,
    running: Mutex<Option<Running>>,
}

impl Process {
    /// Its process id; `None` once it has ended, because the number may then be given to another process.
    pub fn pid(&self) -> Option<u32> {
        let mut running = self.running();
        let child = &mut running.as_mut()?.child;
        child.try_wait().is_ok_and(|status| status.is_none()).then(|| child.id())
    }

    /// Kills the process (SIGKILL): it finishes nothing.
    pub fn kill(&self) {
        drop(self.running().take());
    }

    /// Starts the program again at the same address, after a kill if it still runs.
    ///
    /// # Errors
    /// When it does not listen in time.
    pub async fn restart(&self) -> Result<()> {
        self.kill();
        let program = self.program.clone().set("SERVER_ADDR", self.addr.to_string());
        let (running, _) = program.spawn_and_listen().await?;
        *self.running() = Some(running);
        Ok(())
    }

    /// Stops the process (SIGSTOP): it stands still, its connections stay open.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a paused process run again (SIGCONT).
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Asks the process to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn terminate(&self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        within(ENDS_WITHIN, "the process ends", async || self.exit_status()).await
    }

    /// How the process ended, if it has ended by itself. All that it wrote is read by then.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        let mut running = self.running();
        let running = running.as_mut()?;
        let status = running.child.try_wait().ok()??;
        running.finish_reading();
        Some(status)
    }

    /// The lines of standard output so far, unless they go elsewhere.
    pub fn lines(&self) -> Vec<String> {
        match &self.program.log {
            Log::Kept(lines) => locked(lines).clone(),
            Log::ErrorsShown | Log::File(_) => Vec::new(),
        }
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid().context("the process has ended")?;
        Ok(signal::send(pid, signal)?)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        locked(&self.running)
    }
}

/// A child process and the thread that reads its output.
#[derive(Debug)]
struct Running {
    child: Child,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    fn finish_reading(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.finish_reading();
    }
}

/// A panic in another thread spoils no list of lines and no child.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
