//! The result of a run: JSON on standard output and, cut to size, in the pod's termination message.

use std::{fs::OpenOptions, io::Write as _, path::Path};

use ticket_migrate::{Failure, Outcome, Release};

/// Kubernetes keeps this much of a termination message.
const TERMINATION_MESSAGE_LIMIT: usize = 4096;

/// How much of a statement or message is kept when everything does not fit.
const EXCERPT_CHARACTERS: usize = 400;

/// The JSON object that `up` prints.
#[derive(Clone, Default, serde::Serialize)]
pub(crate) struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    #[serde(flatten)]
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

impl Report {
    /// The report as it is.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| error.to_string())
    }

    /// The report in less than 4,096 bytes: long texts are cut first, then the lists of numbers go. The hashes, the tables
    /// of the feed and the error's file and code always stay.
    fn termination_message(&self) -> String {
        let whole = self.json();
        if whole.len() < TERMINATION_MESSAGE_LIMIT {
            return whole;
        }
        let mut short = self.clone();
        if let Some(error) = &mut short.error {
            error.statement = error.statement.as_deref().map(excerpt);
            error.message = excerpt(&error.message);
        }
        let cut = short.json();
        if cut.len() < TERMINATION_MESSAGE_LIMIT {
            return cut;
        }
        short.outcome = Outcome::default();
        if let Some(release) = &mut short.release {
            release.migrations.before.versions.clear();
            release.migrations.after.versions.clear();
        }
        short.json()
    }

    /// Writes the termination message where there is a place for it, as in a pod.
    pub(crate) fn write_termination_message(&self, path: &Path) {
        let written = OpenOptions::new().write(true).truncate(true).open(path);
        let written = written.and_then(|mut file| file.write_all(self.termination_message().as_bytes()));
        match written {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "cannot write the termination message");
            }
            _ => {}
        }
    }
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARACTERS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ticket_migrate::FailureClass;

    #[test]
    fn the_termination_message_stays_below_its_limit_and_keeps_file_and_code() {
        let failure = Failure {
            file: Some("before/0004_x.sql".to_owned()),
            statement: Some("é".repeat(9000)),
            sqlstate: Some("42703".to_owned()),
            ..Failure::new(FailureClass::Failed, "ü\"".repeat(9000))
        };
        let outcome = Outcome { applied: (1..2000).collect(), pending: (2000..4000).collect() };
        let report = Report { release: None, outcome, error: Some(failure) };
        let message = report.termination_message();
        assert!(message.len() < TERMINATION_MESSAGE_LIMIT, "{}", message.len());
        assert!(message.contains("before/0004_x.sql") && message.contains("42703"));
    }

    #[test]
    fn a_report_that_fits_is_not_cut() {
        let outcome = Outcome { applied: vec![1, 2], pending: vec![] };
        let report = Report { outcome, ..Report::default() };
        assert_eq!(report.termination_message(), r#"{"applied":[1,2],"pending":[]}"#);
    }
}
