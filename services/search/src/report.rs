//! The result of `prepare-index`, for people, for the operator, and for whoever reads the pod's status.

use std::{path::Path, process::ExitCode};

use serde_json::json;

use crate::{faults::Fault, prepare::Prepared};

/// Where Kubernetes reads a container's last words.
pub const TERMINATION_LOG: &str = "/dev/termination-log";
/// A store was unreachable: the same may work later.
const EXIT_UNREACHABLE: u8 = 3;
/// Kubernetes cuts last words at 4,096 bytes, which would leave no JSON; with quotes and escapes this stays below.
const MAX_MESSAGE_CHARACTERS: usize = 600;

/// Prints the result, leaves it for Kubernetes, and says how the process ends.
pub fn finish(outcome: Result<Prepared, Fault>, termination_log: &Path) -> ExitCode {
    let (report, code) = match &outcome {
        Ok(prepared) => (json!(prepared), ExitCode::SUCCESS),
        Err(fault) => {
            tracing::error!(%fault, "the index is not prepared");
            let message: String = fault.to_string().chars().take(MAX_MESSAGE_CHARACTERS).collect();
            let code = if fault.is_unreachable() { ExitCode::from(EXIT_UNREACHABLE) } else { ExitCode::FAILURE };
            (json!({"error": {"message": message}}), code)
        }
    };
    println!("{report}");
    // The file is there in a pod only, and is never created: elsewhere the path may be anything.
    if termination_log.exists()
        && let Err(error) = std::fs::write(termination_log, report.to_string())
    {
        tracing::warn!(%error, "the result is not left in the termination log");
    }
    code
}
