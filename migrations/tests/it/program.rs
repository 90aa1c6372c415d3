//! The program: what it prints, where, and how it exits.

use std::{path::PathBuf, process::Output};

use serde_json::Value;
use testbed::{Program, TestDatabase};

use crate::Folder;

/// `ticket-migrate` with the files of a release of its own.
struct Migrate {
    environment: Vec<(String, String)>,
    folder: Folder,
}

impl Migrate {
    fn new(environment: Vec<(String, String)>, files: &[(&str, &str)]) -> Self {
        let folder = Folder::with(files);
        std::fs::write(folder.0.join("index.json"), "{}").unwrap();
        std::fs::write(folder.0.join("feed.json"), r#"{"tables": ["public.events"]}"#).unwrap();
        Self { environment, folder }
    }

    fn termination_log(&self) -> PathBuf {
        self.folder.0.join("termination-log")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let at = |name: &str| self.folder.0.join(name).into_os_string();
        Program::new(env!("CARGO_BIN_EXE_ticket-migrate"))
            .arguments(["--migrations".into(), at("")])
            .arguments(["--index".into(), at("index.json")])
            .arguments(["--feed".into(), at("feed.json")])
            .arguments(arguments.iter().copied())
            .environment(self.environment.iter().cloned())
            .set("TERMINATION_LOG", self.termination_log().to_str().unwrap())
            .set("RELEASE_VERSION", "0.9.0")
            .run()
            .unwrap()
    }
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

#[tokio::test]
async fn up_prints_the_release_and_what_it_did_and_writes_the_termination_message() {
    let db = TestDatabase::create().await;
    let files = [("before/9001_a.sql", "SELECT 1"), ("after/9002_b.sql", "SELECT 1")];
    let program = Migrate::new(db.environment(), &files);
    std::fs::write(program.termination_log(), "").unwrap();
    let output = program.run(&["up", "--kind", "before"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let result = json(&output.stdout);
    assert_eq!(result["release"]["version"], "0.9.0");
    assert_eq!(result["release"]["migrations"]["before"]["versions"], serde_json::json!([9001]));
    assert_eq!(result["release"]["migrations"]["after"]["versions"], serde_json::json!([9002]));
    // SHA-256 of `{}`.
    assert_eq!(result["release"]["index"]["hash"], "44136fa355b3");
    assert_eq!(result["release"]["feed"]["tables"], serde_json::json!(["public.events"]));
    assert_eq!((&result["applied"], &result["pending"]), (&serde_json::json!([9001]), &serde_json::json!([9002])));
    assert!(result.get("error").is_none());
    assert_eq!(json(&std::fs::read(program.termination_log()).unwrap()), result);
    assert_eq!(json(&program.run(&["describe"]).stdout), result["release"]);
}

#[tokio::test]
async fn a_failed_migration_exits_1_and_says_where() {
    let db = TestDatabase::create().await;
    let program = Migrate::new(db.environment(), &[("before/9001_a.sql", "SELECT 1; SELECT nothing")]);
    let output = program.run(&["up"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = json(&output.stdout)["error"].clone();
    assert_eq!(error["file"], "before/9001_a.sql");
    assert_eq!((&error["statement"], &error["sqlstate"]), (&"SELECT nothing".into(), &"42703".into()));
    assert!(!program.termination_log().exists(), "outside of a pod there is no place for it");
}

#[test]
fn missing_settings_exit_2_and_are_all_named() {
    let settings = [("POSTGRES_PORT".to_owned(), "many".to_owned())];
    let output = Migrate::new(settings.to_vec(), &[]).run(&["up"]);
    assert_eq!(output.status.code(), Some(2));
    let message = json(&output.stdout)["error"]["message"].to_string();
    for name in ["POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DBNAME"] {
        assert!(message.contains(name), "{message}");
    }
    assert_eq!(Migrate::new(vec![], &[]).run(&["up", "--kind", "sideways"]).status.code(), Some(2));
}

#[tokio::test]
async fn a_database_that_does_not_answer_exits_3() {
    let db = TestDatabase::create().await;
    // Port 1 answers nobody.
    let program = Migrate::new(db.environment_at("127.0.0.1:1"), &[]);
    let output = program.run(&["up"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(json(&output.stdout)["error"]["message"].to_string().contains("127.0.0.1:1"));
    assert_eq!(program.run(&["status"]).status.code(), Some(3));
}

#[tokio::test]
async fn status_is_a_table_for_people_and_json_for_programs() {
    let db = TestDatabase::create().await;
    let program = Migrate::new(db.environment(), &[("before/9001_a.sql", "SELECT 1")]);
    let table = String::from_utf8(program.run(&["status"]).stdout).unwrap();
    assert!(table.contains("pending   before/9001_a.sql"), "{table}");
    program.run(&["up"]);
    let files = json(&program.run(&["status", "--output", "json"]).stdout)["files"].clone();
    let last = files.as_array().unwrap().last().unwrap();
    assert_eq!(
        *last,
        serde_json::json!({"version": 9001, "kind": "before", "file": "before/9001_a.sql", "state": "applied"})
    );
}
