//! What this repository has once. Each of these was written several times before, and the copies had drifted apart.
//!
//! The tests read Rust files as tokens, so that neither line breaks nor comments hide a copy.

use crate::{
    repository::{files, text},
    tokens::{Token, tokens},
};

/// The files and folders that may start a process, each with its reason. A test or tool that starts a program of this
/// repository hands its path to `testbed::Program`.
const STARTERS: [(&str, &str); 7] = [
    ("testing/bench/src/pgbench.rs", "writes a script into the input of PostgreSQL's pgbench"),
    ("testing/platform/tests/it/dependencies.rs", "asks Cargo about this workspace"),
    ("testing/platform/tests/node/stores.rs", "runs kubectl"),
    ("testing/testbed/src/bin/ticket-stores.rs", "becomes a tool of a store"),
    ("testing/testbed/src/instance/", "starts the stores and the tools that come with them"),
    ("testing/testbed/src/process.rs", "the one starter of programs"),
    ("testing/testbed/tests/stores/life.rs", "sends a signal as a user at a terminal does"),
];

/// The files that may read the SQLSTATE of an error, each with its reason.
const SQLSTATE_READERS: [(&str, &str); 3] = [
    ("libs/kit/src/postgres/error_kind.rs", "the one list of SQLSTATEs"),
    ("migrations/src/error.rs", "reports it, and compares the one of a whole file with that of its statement"),
    ("operator/src/backends/postgres.rs", "asks `ErrorKind` about it, and reports it"),
];

/// The tests that may pause within a loop, each with its reason. A test that waits for a condition uses
/// `testbed::eventually` or `testbed::within`.
const PAUSES: [(&str, &str); 2] = [
    ("libs/kit/tests/it/postgres.rs", "a proxy that connects late"),
    ("services/booking/tests/it/race.rs", "customers who lost come again after a while, until the seat is sold"),
];

#[test]
fn one_type_is_named_stores() {
    assert_eq!(rust_files(|_, tokens| defines_type(tokens, "Stores")), ["testing/testbed/src/stores.rs"]);
}

#[test]
fn one_function_waits_for_a_condition() {
    let files = rust_files(|_, tokens| has(tokens, &["fn", "eventually"]));
    assert_eq!(files, ["testing/testbed/src/eventually.rs"]);
    assert_only(&PAUSES, &rust_files(|path, tokens| is_test(path) && pauses_in_a_loop(tokens)));
}

#[test]
fn one_file_starts_processes() {
    assert_only(&STARTERS, &rust_files(|_, tokens| names_command(tokens)));
}

#[test]
fn one_list_of_sqlstates_decides() {
    let reading = rust_files(|path, tokens| {
        let tokens = without_tests(tokens);
        !is_test(path) && has(tokens, &["as_database_error"]) && has(tokens, &["code", "("])
    });
    assert_only(&SQLSTATE_READERS, &reading);

    let listing = paths().filter(|path| !is_test(path) && has_sqlstate(&text(path)));
    assert_eq!(listing.collect::<Vec<_>>(), [SQLSTATE_READERS[0].0]);
}

fn assert_only(allowed: &[(&str, &str)], found: &[String]) {
    let covers = |place: &str, path: &str| path == place || (place.ends_with('/') && path.starts_with(place));
    let is_new = |path: &&String| !allowed.iter().any(|(place, _)| covers(place, path));
    let is_gone = |(place, _): &&(&str, &str)| !found.iter().any(|path| covers(place, path));
    let (new, gone): (Vec<_>, Vec<_>) =
        (found.iter().filter(is_new).collect(), allowed.iter().filter(is_gone).collect());
    assert!(new.is_empty(), "written again in {new:?}");
    assert!(gone.is_empty(), "no longer needed on the list: {gone:?}");
}

fn rust_files(wanted: impl Fn(&str, &[Token]) -> bool) -> Vec<String> {
    paths().filter(|path| wanted(path, &tokens(&text(path)))).collect()
}

fn paths() -> impl Iterator<Item = String> {
    files().into_iter().filter(|path| path.ends_with(".rs"))
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// The tests of a file stand at its end.
fn without_tests(tokens: &[Token]) -> &[Token] {
    let end = position(tokens, &["#", "[", "cfg", "(", "test", ")", "]"]);
    &tokens[..end.unwrap_or(tokens.len())]
}

fn defines_type(tokens: &[Token], name: &str) -> bool {
    ["struct", "enum", "union", "type", "trait"].iter().any(|keyword| has(tokens, &[keyword, name]))
}

/// Whether a file names `std::process::Command` or Tokio's, alone or within the braces of a `use`.
fn names_command(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().any(|(at, _)| {
        let Some(rest) = strip(&tokens[at..], &["process", "::"]) else { return false };
        has(&rest[..rest.len().min(1)], &["Command"]) || has(block(rest), &["Command"])
    })
}

/// Whether a `loop` or `while` gives the CPU away until it looks again.
fn pauses_in_a_loop(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().filter(|(_, token)| ["loop", "while"].iter().any(|word| is(token, word))).any(
        |(at, _)| {
            let start = tokens[at..].iter().position(|token| is(token, "{")).map_or(tokens.len(), |open| at + open);
            ["sleep", "yield_now"].iter().any(|pause| has(block(&tokens[start..]), &[pause]))
        },
    )
}

/// Whether the part of a file that is no test has a string of five capital letters and digits, as an SQLSTATE is.
fn has_sqlstate(text: &str) -> bool {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.split('"').any(|part| {
        part.len() == 5
            && part.contains(|char: char| char.is_ascii_digit())
            && part.chars().all(|char| char.is_ascii_digit() || char.is_ascii_uppercase())
    })
}

/// The tokens between the brace that comes first and the one that closes it; nothing when no brace comes first.
fn block(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        if is(token, "{") {
            depth += 1;
        } else if is(token, "}") {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return &tokens[..index];
        }
    }
    tokens
}

fn has(tokens: &[Token], pattern: &[&str]) -> bool {
    position(tokens, pattern).is_some()
}

fn position(tokens: &[Token], pattern: &[&str]) -> Option<usize> {
    (0..tokens.len()).find(|at| strip(&tokens[*at..], pattern).is_some())
}

fn strip<'a>(tokens: &'a [Token], pattern: &[&str]) -> Option<&'a [Token]> {
    let (head, rest) = tokens.split_at_checked(pattern.len())?;
    head.iter().zip(pattern).all(|(token, wanted)| is(token, wanted)).then_some(rest)
}

fn is(token: &Token, text: &str) -> bool {
    match token {
        Token::Word(word) => word == text,
        Token::Path => text == "::",
        Token::Mark(mark) => text.chars().eq([*mark]),
    }
}

#[test]
fn a_second_starter_is_found_however_it_is_written() {
    for text in [
        "use std::process::Command;",
        "use std::{env, process::{Child, Command}};",
        "use tokio::{io::AsyncWriteExt, process::Command};",
        "let child = std::process::Command::new(path).spawn();",
        "use std::process::{\n    Child, // a comment\n    Command as Starter,\n};",
    ] {
        assert!(names_command(&tokens(text)), "{text}");
    }
    for text in ["enum Command { Up }", "std::process::exit(1); Command::parse()", "// std::process::Command"] {
        assert!(!names_command(&tokens(text)), "{text}");
    }
}

#[test]
fn a_wait_written_by_hand_is_found() {
    assert!(pauses_in_a_loop(&tokens("loop { if done { break; } tokio::time::sleep(PAUSE).await; }")));
    assert!(pauses_in_a_loop(&tokens("while !done().await { tokio::task::yield_now().await }")));
    assert!(!pauses_in_a_loop(&tokens("while let Some(row) = rows.next().await {} sleep(PAUSE).await;")));
}

#[test]
fn a_second_list_of_sqlstates_is_found_outside_of_tests_alone() {
    assert!(has_sqlstate(r#"match code { "40P01" => true, _ => false }"#));
    assert!(!has_sqlstate(r#"#[cfg(test)] mod tests { const UNDEFINED_COLUMN: &str = "42703"; }"#));
    assert!(!has_sqlstate(r#"["SEATS", "0.1.0"]"#));
}

#[test]
fn a_second_type_of_a_name_is_found() {
    assert!(defines_type(&tokens("pub(crate) struct\n    Stores { url: String }"), "Stores"));
    assert!(!defines_type(&tokens("struct NodeStores; // struct Stores"), "Stores"));
}
