//! Reporting the result of `prepare-index`: on standard output, and in the pod's status for the operator.

use std::{path::Path, process::ExitCode};

use serde_json::json;

use crate::{indexing::IndexingError, prepare_index::Prepared};

/// The exit status when a store was unreachable. A retry may succeed.
const EXIT_UNREACHABLE: u8 = 3;
/// Kubernetes cuts the file at 4,096 bytes, which would break the JSON. A message of this length stays below that, with
/// all quotes and escapes.
const MAX_MESSAGE_CHARACTERS: usize = 600;

/// Prints the result, writes it to the termination log, and returns the exit status.
pub fn report(outcome: Result<Prepared, IndexingError>, termination_log: &Path) -> ExitCode {
    let (report, code) = match &outcome {
        Ok(prepared) => (json!(prepared), ExitCode::SUCCESS),
        Err(error) => {
            tracing::error!(%error, "the index could not be prepared");
            let message: String = error.to_string().chars().take(MAX_MESSAGE_CHARACTERS).collect();
            let code = if error.is_unreachable() { ExitCode::from(EXIT_UNREACHABLE) } else { ExitCode::FAILURE };
            (json!({"error": {"message": message}}), code)
        }
    };
    println!("{report}");
    // The file exists only in a pod. It is never created, because elsewhere the path may be anything.
    if termination_log.exists()
        && let Err(error) = std::fs::write(termination_log, report.to_string())
    {
        tracing::warn!(%error, "the result could not be written to the termination log");
    }
    code
}
