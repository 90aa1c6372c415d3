//! The program as a process: exit statuses, output, and the end on SIGTERM.

use std::process::Output;

use serde_json::{Value, json};
use testbed::{Program, eventually, given};

use crate::support::World;

fn program(environment: Vec<(String, String)>) -> Program {
    Program::new(env!("CARGO_BIN_EXE_search")).environment(environment).set("SERVER_MODE", "release")
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
    let output = program(world.environment())
        .arguments(["prepare-index"])
        .set("TERMINATION_LOG", log.to_str().unwrap())
        .run()
        .unwrap();
    let expected = json!({"index": world.index().name(), "documents": 1});
    assert_eq!((output.status.code(), result(&output)), (Some(0), expected.clone()));
    assert_eq!(serde_json::from_str::<Value>(&std::fs::read_to_string(&log).unwrap()).unwrap(), expected);
    std::fs::remove_file(log).unwrap();
}

#[tokio::test]
async fn prepare_index_distinguishes_an_unreachable_store_from_a_failure() {
    let world = World::create().await.with("ELASTICSEARCH_ADDR", "http://127.0.0.1:9");
    let output = program(world.environment()).arguments(["prepare-index"]).run().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(result(&output)["error"]["message"].as_str().unwrap().starts_with("Elasticsearch"));

    let world = world.with("POSTGRES_PASSWORD", "wrong").with("POSTGRES_DBNAME", "nowhere");
    let output = program(world.environment()).arguments(["prepare-index"]).run().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(result(&output)["error"]["message"].as_str().unwrap().starts_with("PostgreSQL"));
}

#[test]
fn bad_settings_end_the_program_with_status_2_and_all_their_names() {
    for arguments in [&[][..], &["serve"], &["prepare-index"]] {
        let output = program(vec![("KAFKA_TOPIC_PARTITIONS".into(), "0".into())]).arguments(arguments).run().unwrap();
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
    let process = program(world.environment()).serve().await.unwrap();
    let logged = |what: &str| process.lines().iter().any(|line| line.contains(what));
    eventually("partitions are assigned", async || logged("partitions assigned")).await;
    let status = process.terminate().await.unwrap();
    assert!(status.success() && logged("drained"), "{status}: {:#?}", process.lines());
}
