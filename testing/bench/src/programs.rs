//! The programs that are measured, as processes of their own.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail};
use testbed::{Process, Program};
use tokio::time::{sleep, timeout};

use crate::wire::http;

const READY_WITHIN: Duration = Duration::from_secs(30);
/// The pause between two looks whether a program is ready.
const PAUSE: Duration = Duration::from_millis(50);

/// Settings of a program: the contract's environment variables.
pub(crate) type Environment = Vec<(String, String)>;

/// Starts a program built on the kit, on a free port, and waits until it is ready.
pub(crate) async fn start(program: Program) -> Result<Process> {
    let process = program.show_errors().serve().await?;
    let ready = timeout(READY_WITHIN, wait_until_ready(process.addr)).await;
    ready.with_context(|| format!("not ready after {READY_WITHIN:?}"))??;
    Ok(process)
}

/// Kills a program. It is an error when it had ended before: then what was measured is not to be believed.
pub(crate) fn end(process: &Process) -> Result<()> {
    if let Some(status) = process.exit_status() {
        bail!("a program ended by itself: {status}");
    }
    process.kill();
    Ok(())
}

/// The number of a program that runs.
pub(crate) fn pid(process: &Process) -> Result<u32> {
    process.pid().context("a program has ended by itself")
}

async fn wait_until_ready(addr: SocketAddr) -> Result<()> {
    let ready = http::get("/readyz", "");
    while http::fetch(addr, &ready).await?.status != 200 {
        sleep(PAUSE).await;
    }
    Ok(())
}
