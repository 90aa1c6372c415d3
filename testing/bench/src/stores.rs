//! The stores under the services: one instance of `dev/stores`.

use std::{ffi::OsStr, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use redis::{AsyncConnectionConfig, IntoConnectionInfo, RedisConnectionInfo, aio::MultiplexedConnection};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use crate::usage::Process;

/// The databases of Redis that are used, and emptied. Nobody else does: the services' own is 0 unless told otherwise.
pub(crate) const SERVICES_REDIS_DB: i64 = 1;
/// The database in which Redis is measured alone.
pub(crate) const PARTS_REDIS_DB: i64 = 2;

/// A command of `dev/stores` that takes longer fails.
const COMMAND_WITHIN: Duration = Duration::from_secs(120);

/// Redis does nothing else while it drops 100,000 holds.
const EMPTIED_WITHIN: Duration = Duration::from_secs(30);

/// An instance of `dev/stores`.
#[derive(Debug, Clone)]
pub(crate) struct Stores {
    /// The command `dev/stores/stores`.
    pub command: PathBuf,
    /// The instance's name.
    pub instance: String,
}

impl Stores {
    /// PostgreSQL, whose processes end and begin with its connections.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) async fn postgres(&self) -> Result<Process> {
        Ok(Process::WithChildren(self.pid("postgres").await?))
    }

    /// Redis.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) async fn redis(&self) -> Result<Process> {
        Ok(Process::Single(self.pid("redis").await?))
    }

    async fn pid(&self, store: &str) -> Result<u32> {
        let pid = self.run(["pid", store], "", &[]).await?;
        pid.trim().parse().with_context(|| format!("{store} of instance {} does not run", self.instance))
    }

    /// Runs pgbench on a database with a script and returns what it says.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) async fn pgbench(&self, arguments: &[String], script: &str, session: &str) -> Result<String> {
        let arguments = ["pgbench"].into_iter().map(str::to_owned).chain(arguments.iter().cloned());
        self.run(arguments, script, &[("PGOPTIONS", session)]).await
    }

    async fn run(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: &str,
        environment: &[(&str, &str)],
    ) -> Result<String> {
        let mut child = Command::new(&self.command)
            .args(["--name", &self.instance])
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be run", self.command.display()))?;
        let mut stdin = child.stdin.take().context("no input")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let output = timeout(COMMAND_WITHIN, child.wait_with_output()).await.context("a command takes too long")??;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed: {error}", self.command.display());
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// A connection to one of Redis' databases.
///
/// # Errors
/// When Redis does not answer.
pub(crate) async fn redis_connection(addr: SocketAddr, db: i64) -> Result<MultiplexedConnection> {
    let session = RedisConnectionInfo::default().set_db(db);
    let info = (addr.ip().to_string(), addr.port()).into_connection_info()?.set_redis_settings(session);
    let patient = AsyncConnectionConfig::new().set_response_timeout(Some(EMPTIED_WITHIN));
    Ok(redis::Client::open(info)?.get_multiplexed_async_connection_with_config(&patient).await?)
}

/// Empties one of Redis' databases.
///
/// # Errors
/// When Redis does not answer.
pub(crate) async fn flush(addr: SocketAddr, db: i64) -> Result<()> {
    let mut connection = redis_connection(addr, db).await?;
    Ok(redis::cmd("FLUSHDB").query_async(&mut connection).await?)
}
