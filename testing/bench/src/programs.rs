//! The programs that are measured, as processes of their own.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use testbed::{Process, Program, within};

use crate::wire::http;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// Settings of a program: the contract's environment variables.
pub(crate) type Environment = Vec<(String, String)>;

/// Starts a program built on the kit, on a free port, and waits until it is ready.
pub(crate) async fn start(program: Program) -> Result<Process> {
    let process = program.show_errors().serve().await?;
    let probe = http::get("/readyz", "");
    within(READY_WITHIN, "the program is ready", async || {
        let status = http::fetch(process.addr, &probe).await?.status;
        ensure!(status == 200, "/readyz answers {status}");
        Ok(())
    })
    .await?;
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
