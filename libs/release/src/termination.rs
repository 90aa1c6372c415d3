//! The termination message: a short text that Kubernetes keeps with the status of a container that has ended.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Value, json};

/// The most bytes that Kubernetes keeps. It cuts a longer message, which is no JSON any more.
pub const TERMINATION_MESSAGE_LIMIT: usize = 4096;

/// Where a container leaves its message when the pod names no other file.
const DEFAULT_TERMINATION_LOG: &str = "/dev/termination-log";

/// Characters of an error's text that are kept when the whole report does not fit.
const EXCERPT: usize = 400;
/// Characters that are kept when the report still does not fit: a control character takes six bytes of JSON.
const SHORT_EXCERPT: usize = 100;

/// The file for the termination message: `TERMINATION_LOG`, or Kubernetes' default.
#[must_use]
pub fn termination_log() -> PathBuf {
    let named = env::var_os("TERMINATION_LOG").filter(|path| !path.is_empty());
    named.map_or_else(|| DEFAULT_TERMINATION_LOG.into(), PathBuf::from)
}

/// A report as JSON of at most [`TERMINATION_MESSAGE_LIMIT`] bytes.
///
/// When it is longer, the error's message and statement are cut first, then the lists of numbers are emptied. The
/// version, the hashes, the feed's tables and the error's file and code stay whole. Only when even that is too long,
/// the error alone is left.
#[must_use]
pub fn termination_message(report: &impl Serialize) -> String {
    let whole = serde_json::to_string(report).unwrap_or_else(|error| {
        // No report has a map whose keys are not text, which is all that can fail.
        json!({"error": {"message": error.to_string()}}).to_string()
    });
    if whole.len() <= TERMINATION_MESSAGE_LIMIT {
        return whole;
    }
    let mut report = serde_json::from_str(&whole).unwrap_or_default();
    let steps: [fn(&mut Value); 4] = [
        |report| cut_texts(report, &["message", "statement"], EXCERPT),
        empty_number_lists,
        |report| cut_texts(report, &["message", "statement"], SHORT_EXCERPT),
        keep_error_only,
    ];
    for step in steps {
        step(&mut report);
        let cut = report.to_string();
        if cut.len() <= TERMINATION_MESSAGE_LIMIT {
            return cut;
        }
    }
    "{}".to_owned()
}

/// Leaves a report as the termination message. Outside a pod the file does not exist; it is never created, and that is
/// no error.
///
/// # Errors
/// When the file exists and cannot be written.
pub fn write_termination_message(path: &Path, report: &impl Serialize) -> io::Result<()> {
    match OpenOptions::new().write(true).truncate(true).open(path) {
        Ok(mut file) => file.write_all(termination_message(report).as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn cut_texts(report: &mut Value, names: &[&str], characters: usize) {
    let Some(error) = report.get_mut("error").and_then(Value::as_object_mut) else { return };
    for (_, value) in error.iter_mut().filter(|(name, _)| names.contains(&name.as_str())) {
        if let Value::String(text) = value {
            *text = excerpt(text, characters);
        }
    }
}

fn excerpt(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn empty_number_lists(value: &mut Value) {
    match value {
        Value::Array(items) if items.iter().all(Value::is_number) => items.clear(),
        Value::Array(items) => items.iter_mut().for_each(empty_number_lists),
        Value::Object(fields) => fields.values_mut().for_each(empty_number_lists),
        _ => {}
    }
}

fn keep_error_only(report: &mut Value) {
    let mut error = report.get_mut("error").map(Value::take).filter(Value::is_object);
    if let Some(fields) = error.as_mut().and_then(Value::as_object_mut) {
        fields.retain(|name, _| ["file", "statement", "sqlstate", "message"].contains(&name.as_str()));
    }
    let error = error.unwrap_or_else(|| json!({"message": "the report is too long for a termination message"}));
    *report = json!({"error": error});
    cut_texts(report, &["file", "statement", "sqlstate", "message"], SHORT_EXCERPT);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        description::{Feed, IndexDefinition, MigrationSet, MigrationSets, Release},
        report::{JobError, MigrationReport, read_report},
    };

    #[test]
    fn a_report_that_fits_is_not_cut() {
        let report = MigrationReport { applied: vec![1, 2], ..MigrationReport::default() };
        assert_eq!(termination_message(&report), r#"{"applied":[1,2],"pending":[]}"#);
    }

    #[test]
    fn a_long_report_keeps_the_release_and_where_it_failed() {
        let set = MigrationSet { versions: (1..2000).collect(), hash: "cccccccccccc".to_owned() };
        let release = Release {
            version: "0.1.0".to_owned(),
            migrations: MigrationSets { before: set.clone(), after: set },
            index: IndexDefinition { hash: "aaaaaaaaaaaa".to_owned() },
            feed: Feed { tables: vec!["public.events".to_owned()] },
        };
        let error = JobError {
            file: Some("before/0004_x.sql".to_owned()),
            statement: Some("é".repeat(9000)),
            sqlstate: Some("42703".to_owned()),
            message: "ü\"".repeat(9000),
        };
        let report = MigrationReport {
            release: Some(release),
            applied: (1..2000).collect(),
            pending: (2000..4000).collect(),
            error: Some(error),
        };
        let cut: MigrationReport = read_report(&termination_message(&report)).unwrap();
        let (release, error) = (cut.release.unwrap(), cut.error.unwrap());
        assert_eq!((release.migrations.after.hash, release.index.hash), ("cccccccccccc".into(), "aaaaaaaaaaaa".into()));
        assert_eq!(release.feed.tables, ["public.events"]);
        assert_eq!((error.file.as_deref(), error.sqlstate.as_deref()), (Some("before/0004_x.sql"), Some("42703")));
        assert!(error.message.starts_with("ü\"") && error.message.ends_with('…'));
    }

    #[test]
    fn a_message_is_written_only_where_there_is_a_file_for_it() {
        let path = env::temp_dir().join(format!("termination-log-{}", std::process::id()));
        let report = MigrationReport::default();
        write_termination_message(&path, &report).unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "something longer that was there before, to be replaced as a whole").unwrap();
        write_termination_message(&path, &report).unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read_report(&written), Some(report));
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![".{0,30}", "[\u{1}-\u{1f}]{0,3000}", "[\"\\\\éü字]{0,3000}", "[a-z ]{0,9000}"]
    }

    fn report() -> impl Strategy<Value = MigrationReport> {
        let numbers = || proptest::collection::vec(any::<i64>(), 0..600);
        let release = (text(), numbers(), proptest::collection::vec("[a-z.]{0,60}", 0..150)).prop_map(
            |(version, versions, tables)| Release {
                version,
                migrations: MigrationSets {
                    before: MigrationSet { versions, hash: "cccccccccccc".to_owned() },
                    after: MigrationSet::default(),
                },
                index: IndexDefinition { hash: "aaaaaaaaaaaa".to_owned() },
                feed: Feed { tables },
            },
        );
        let option = proptest::option::of::<BoxedStrategy<String>>;
        let error = (option(text().boxed()), option(text().boxed()), option(text().boxed()), text())
            .prop_map(|(file, statement, sqlstate, message)| JobError { file, statement, sqlstate, message });
        (proptest::option::of(release), numbers(), numbers(), proptest::option::of(error))
            .prop_map(|(release, applied, pending, error)| MigrationReport { release, applied, pending, error })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_message_is_a_report_that_kubernetes_keeps_whole(report in report()) {
            let message = termination_message(&report);
            prop_assert!(message.len() <= TERMINATION_MESSAGE_LIMIT, "{} bytes", message.len());
            let read: Option<MigrationReport> = read_report(&message);
            prop_assert!(read.is_some(), "{message}");
            if let Some((read, written)) = read.and_then(|read| read.release).zip(report.release) {
                prop_assert_eq!((read.version, read.index, read.feed), (written.version, written.index, written.feed));
            }
        }
    }
}
