use std::fs;

use super::*;

/// A shell script in place of a service. `$SERVER_ADDR` is given; port 0 is announced as it is.
fn script(text: &str) -> Program {
    Program::new("/bin/sh").arguments(["-c", text])
}

const ANNOUNCE: &str = r#"echo "{\"message\": \"listening\", \"addr\": \"$SERVER_ADDR\"}""#;

fn sleeper() -> Program {
    script(&format!("{ANNOUNCE}; exec /bin/sleep 60"))
}

fn state(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).expect("a state")
}

#[tokio::test]
async fn a_process_is_paused_resumed_and_killed() {
    let process = sleeper().serve().await.expect("it starts");
    let pid = process.pid().expect("it runs");
    process.pause().expect("paused");
    within(STARTS_WITHIN, "it stands still", async || state(pid) == 'T').await.expect("stopped");
    process.resume().expect("resumed");
    within(STARTS_WITHIN, "it goes on", async || state(pid) != 'T').await.expect("continued");
    process.kill();
    assert_eq!(process.pid(), None);
    assert!(process.pause().is_err(), "nothing is left to pause");
}

#[tokio::test]
async fn a_restarted_process_has_its_old_address() {
    let addr = format!("127.0.0.1:{}", crate::free_replica_port());
    let process = sleeper().set("SERVER_ADDR", &addr).serve().await.expect("it starts");
    let first = process.pid();
    process.restart().await.expect("it starts again");
    assert_ne!(process.pid(), first);
    assert_eq!((process.addr.to_string(), process.lines().len()), (addr, 2));
}

#[tokio::test]
async fn a_process_that_is_asked_to_end_ends_in_order() {
    let text = format!("trap 'echo drained; exit 3' TERM; {ANNOUNCE}; while :; do /bin/sleep 0.02; done");
    let process = script(&text).serve().await.expect("it starts");
    assert_eq!(process.terminate().await.expect("it ends").code(), Some(3));
    assert_eq!(process.lines().last().map(String::as_str), Some("drained"));
}

#[tokio::test]
async fn a_program_that_ends_before_it_listens_is_an_error_with_its_last_words() {
    let error = script("echo no database; exit 1").serve().await.expect_err("it ended");
    assert!(error.to_string().contains("no database"), "{error}");
}

#[tokio::test]
async fn a_process_never_waits_for_a_reader_of_its_output() {
    let text = format!("{ANNOUNCE}; i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i + 1)); done; exit 0");
    let process = script(&text).serve().await.expect("it starts");
    within(ENDS_WITHIN, "it ends", async || process.exit_status()).await.expect("it ended");
    assert_eq!(process.lines().len(), 20_001);
}

#[tokio::test]
async fn both_outputs_go_to_the_log_file() {
    let file = std::env::temp_dir().join(format!("testbed-log-{}", uuid::Uuid::new_v4()));
    let text = format!("{ANNOUNCE}; echo trouble >&2; exit 0");
    let process = script(&text).log_to(file.clone()).serve().await.expect("it starts");
    within(ENDS_WITHIN, "it ends", async || process.exit_status()).await.expect("it ended");
    let log = fs::read_to_string(&file).expect("a log");
    assert!(log.contains("listening") && log.contains("trouble"), "{log}");
    fs::remove_file(file).expect("removed");
}

#[test]
fn a_program_that_runs_to_its_end_has_only_the_settings_that_were_given() {
    let settings = [("GREETING".to_owned(), "good".to_owned()), ("GREETING".to_owned(), "better".to_owned())];
    let output = script("echo $GREETING; exit 4").environment(settings).run().expect("it runs");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(4), b"better\n".as_slice()));
}
