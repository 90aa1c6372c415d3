//! The programs that are measured, as processes of their own.

use std::{
    ffi::OsStr,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};

use crate::wire::http;

const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// The pause between two looks whether a program is ready.
const PAUSE: Duration = Duration::from_millis(50);

/// Settings of a program: the contract's environment variables.
pub(crate) type Environment = Vec<(String, String)>;

/// A running program. It ends with this value.
pub(crate) struct Program {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Its number.
    pub pid: u32,
    child: Child,
}

impl Program {
    /// Starts a program built on the kit, on a free port, and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time.
    pub(crate) async fn start(
        path: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: &Environment,
    ) -> Result<Self> {
        let name = path.display();
        let mut child = Command::new(path)
            .args(arguments)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("SERVER_ADDR", "127.0.0.1:0")
            .env("SERVER_MODE", "release")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let pid = child.id().context("it has ended")?;
        let mut lines = BufReader::new(child.stdout.take().context("it has no output")?).lines();
        let starting = async {
            let addr = listening_at(&mut lines).await?;
            wait_until_ready(addr).await?;
            anyhow::Ok(addr)
        };
        let addr = timeout(STARTS_WITHIN, starting)
            .await
            .with_context(|| format!("{name} is not ready after {STARTS_WITHIN:?}"))?
            .with_context(|| format!("{name} does not start"))?;
        // Whatever else it says is read away, so that it never waits for its reader. Errors are shown.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains(r#""level":"ERROR""#) {
                    eprintln!("{line}");
                }
            }
        });
        Ok(Self { addr, pid, child })
    }

    /// Ends it and waits for its end.
    ///
    /// # Errors
    /// When it had ended before: then what was measured is not to be believed.
    pub(crate) async fn end(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("a program ended by itself: {status}");
        }
        Ok(self.child.kill().await?)
    }
}

/// A program of the kit says in its log where it listens.
async fn listening_at(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<SocketAddr> {
    while let Some(line) = lines.next_line().await? {
        let entry: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if entry["message"] == "listening" {
            return Ok(entry["addr"].as_str().context("a listener without address")?.parse()?);
        }
    }
    bail!("it ended")
}

async fn wait_until_ready(addr: SocketAddr) -> Result<()> {
    let ready = http::get("/readyz", "");
    while http::fetch(addr, &ready).await?.status != 200 {
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Where the built programs lie: beside this one, unless another folder is given.
///
/// # Errors
/// When this program does not know where it lies itself.
pub(crate) fn folder(given: Option<PathBuf>) -> Result<PathBuf> {
    match given {
        Some(folder) => Ok(folder),
        None => Ok(std::env::current_exe()?.parent().context("this program lies nowhere")?.to_owned()),
    }
}
