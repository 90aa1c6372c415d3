//! The program as a process: exit statuses, output, and the end on SIGTERM.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use testbed::given;

use crate::support::World;

fn program(environment: Vec<(String, String)>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_search"));
    command.env_clear().envs(environment).env("SERVER_ADDR", "127.0.0.1:0").env("SERVER_MODE", "release");
    command
}

/// The result is the last line of the output; log lines come before it.
fn result(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("no result in: {text}"))
}

#[tokio::test]
async fn prepare_index_prints_its_result_and_writes_it_to_the_termination_log() {
    let world = World::create().await;
    given::event(world.pool(), &given::venue(world.pool(), "Freiburg").await, "Concert", 30).await;
    let log = std::env::temp_dir().join(&world.name);
    std::fs::write(&log, "").unwrap();
    let output = program(world.environment()).arg("prepare-index").env("TERMINATION_LOG", &log).output().unwrap();
    let expected = json!({"index": world.index().name(), "documents": 1});
    assert_eq!((output.status.code(), result(&output)), (Some(0), expected.clone()));
    assert_eq!(serde_json::from_str::<Value>(&std::fs::read_to_string(&log).unwrap()).unwrap(), expected);
    std::fs::remove_file(log).unwrap();
}

#[tokio::test]
async fn prepare_index_distinguishes_an_unreachable_store_from_a_failure() {
    let world = World::create().await.with("ELASTICSEARCH_ADDR", "http://127.0.0.1:9");
    let output = program(world.environment()).arg("prepare-index").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(result(&output)["error"]["message"].as_str().unwrap().starts_with("Elasticsearch"));

    let world = world.with("POSTGRES_PASSWORD", "wrong").with("POSTGRES_DBNAME", "nowhere");
    let output = program(world.environment()).arg("prepare-index").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(result(&output)["error"]["message"].as_str().unwrap().starts_with("PostgreSQL"));
}

#[test]
fn bad_settings_end_the_program_with_status_2_and_all_their_names() {
    for arguments in [&[][..], &["serve"], &["prepare-index"]] {
        let output = program(vec![("KAFKA_TOPIC_PARTITIONS".into(), "0".into())]).args(arguments).output().unwrap();
        let problems = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{problems}");
        for name in ["POSTGRES_HOST", "ELASTICSEARCH_ADDR", "KAFKA_LISTENERS", "KAFKA_TOPIC_PARTITIONS"] {
            assert!(problems.contains(name), "{name} is not in: {problems}");
        }
    }
}

#[tokio::test]
async fn sigterm_drains_the_service() {
    let world = World::prepared().await;
    let mut running = program(world.environment()).stdout(Stdio::piped()).spawn().unwrap();
    let mut logs = BufReader::new(running.stdout.take().unwrap()).lines();
    let assigned = logs.by_ref().any(|line| line.unwrap().contains("partitions assigned"));
    assert!(assigned);
    let killed = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let rest: Vec<String> = logs.map(Result::unwrap).collect();
    assert!(running.wait().unwrap().success(), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("drained")), "{rest:?}");
}
