//! What a Job reports when it ends: one JSON object, on standard output and in the termination message.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::description::Release;

/// The report of `ticket-migrate up`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct MigrationReport {
    /// The release's description. Absent when its files could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// Numbers of the migrations that this run applied, in order.
    #[serde(default)]
    pub applied: Vec<i64>,
    /// Numbers of the release's migrations that are still not applied.
    #[serde(default)]
    pub pending: Vec<i64>,
    /// What stopped the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
}

/// The report of `search prepare-index`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum IndexReport {
    /// The index exists and holds all events.
    Prepared(PreparedIndex),
    /// The index is not ready.
    Failed {
        /// What stopped the run.
        error: JobError,
    },
}

/// An index that exists and holds all events.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PreparedIndex {
    /// The index's name.
    pub index: String,
    /// Number of events in it.
    pub documents: u64,
}

/// What stopped a Job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct JobError {
    /// The migration file, as `before/0004_add_subtitle.sql`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The statement of that file that failed, where it could be found. It may be cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// PostgreSQL's five-character code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// What happened, in the words of the store where it came from one. It may be cut.
    pub message: String,
}

impl JobError {
    /// An error with a message and nothing else.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(sqlstate) = &self.sqlstate {
            write!(f, " (SQLSTATE {sqlstate})")?;
        }
        if let Some(statement) = &self.statement {
            write!(f, " in `{}`", statement.trim())?;
        }
        Ok(())
    }
}

/// The report in a termination message; `None` when the message is something else.
#[must_use]
pub fn read_report<T: DeserializeOwned>(message: &str) -> Option<T> {
    serde_json::from_str(message.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{Feed, IndexDefinition, MigrationSet, MigrationSets};

    #[test]
    fn the_report_of_a_migration_keeps_its_field_names() {
        let text = r#"{"release":{"version":"0.1.0","migrations":{"before":{"versions":[1,2],"hash":"aaaaaaaaaaaa"},"after":{"versions":[],"hash":"e3b0c44298fc"}},"index":{"hash":"bbbbbbbbbbbb"},"feed":{"tables":["public.events"]}},"applied":[2],"pending":[],"error":{"file":"before/0003_x.sql","statement":"SELECT 1","sqlstate":"42703","message":"no column"}}"#;
        let set = |versions: &[i64], hash: &str| MigrationSet { versions: versions.to_vec(), hash: hash.to_owned() };
        let report = MigrationReport {
            release: Some(Release {
                version: "0.1.0".to_owned(),
                migrations: MigrationSets { before: set(&[1, 2], "aaaaaaaaaaaa"), after: set(&[], "e3b0c44298fc") },
                index: IndexDefinition { hash: "bbbbbbbbbbbb".to_owned() },
                feed: Feed { tables: vec!["public.events".to_owned()] },
            }),
            applied: vec![2],
            pending: Vec::new(),
            error: Some(JobError {
                file: Some("before/0003_x.sql".to_owned()),
                statement: Some("SELECT 1".to_owned()),
                sqlstate: Some("42703".to_owned()),
                message: "no column".to_owned(),
            }),
        };
        assert_eq!(serde_json::to_string(&report).unwrap(), text);
        assert_eq!(read_report(text), Some(report));
    }

    #[test]
    fn a_migration_that_reports_only_its_error_is_understood() {
        let report: MigrationReport = read_report(r#" {"error":{"message":"no settings"}} "#).unwrap();
        assert_eq!(report, MigrationReport { error: Some(JobError::new("no settings")), ..MigrationReport::default() });
    }

    #[test]
    fn the_report_of_an_index_keeps_its_field_names() {
        let prepared = IndexReport::Prepared(PreparedIndex { index: "events-aaaaaaaaaaaa".to_owned(), documents: 7 });
        let failed = IndexReport::Failed { error: JobError::new("Kafka: no broker") };
        for (text, report) in [
            (r#"{"index":"events-aaaaaaaaaaaa","documents":7}"#, prepared),
            (r#"{"error":{"message":"Kafka: no broker"}}"#, failed),
        ] {
            assert_eq!(serde_json::to_string(&report).unwrap(), text);
            assert_eq!(read_report(text), Some(report));
        }
    }

    #[test]
    fn a_message_that_is_no_report_is_not_read() {
        assert_eq!(read_report::<MigrationReport>("Killed"), None);
        assert_eq!(read_report::<IndexReport>("{}"), None);
    }

    #[test]
    fn an_error_reads_as_a_sentence() {
        let error = JobError {
            file: Some("before/0003_x.sql".to_owned()),
            statement: Some(" SELECT 1\n".to_owned()),
            sqlstate: Some("42703".to_owned()),
            message: "no column".to_owned(),
        };
        assert_eq!(error.to_string(), "before/0003_x.sql: no column (SQLSTATE 42703) in `SELECT 1`");
    }
}
