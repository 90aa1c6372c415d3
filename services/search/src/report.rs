//! Reporting the result of `prepare-index`: on standard output, and in the pod's status for the operator.

use std::{path::Path, process::ExitCode};

use release::{IndexReport, JobError, JobExit, PreparedIndex, write_termination_message};

use crate::indexing::IndexingError;

/// Prints the result, writes it to the termination log, and returns the exit status.
pub fn report(outcome: Result<PreparedIndex, IndexingError>, termination_log: &Path) -> ExitCode {
    let (report, exit) = match outcome {
        Ok(prepared) => (IndexReport::Prepared(prepared), JobExit::Done),
        Err(error) => {
            tracing::error!(%error, "the index could not be prepared");
            let exit = if error.is_unreachable() { JobExit::Unreachable } else { JobExit::Failed };
            (IndexReport::Failed { error: JobError::new(error.to_string()) }, exit)
        }
    };
    println!("{}", serde_json::to_string(&report).unwrap_or_else(|error| error.to_string()));
    if let Err(error) = write_termination_message(termination_log, &report) {
        tracing::warn!(%error, "the result could not be written to the termination log");
    }
    exit.into()
}
