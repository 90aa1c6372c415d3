//! The version is in one place, `Cargo.toml`. Every other file that names it must agree.

use serde_yaml::Value;

use crate::repository::{files, pages, text};

/// Releases that exist only for tests of upgrades.
const FIXTURES: &str = "dev/images/fixtures/";

/// The version of this workspace; Cargo hands it to every crate that inherits it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn names_this_version(file: &str, value: &Value) {
    assert_eq!(value.as_str(), Some(VERSION), "{file} names another version than Cargo.toml");
}

#[test]
fn every_crate_inherits_the_version_of_the_workspace() {
    let manifests: Vec<String> = files().into_iter().filter(|file| file.ends_with("/Cargo.toml")).collect();
    assert!(!manifests.is_empty());
    for manifest in manifests {
        let inherits = text(&manifest).lines().any(|line| line == "version.workspace = true");
        assert!(inherits, "{manifest} has a version of its own");
    }
}

#[test]
fn the_charts_and_what_they_install_have_it() {
    let charts: Vec<String> = files().into_iter().filter(|file| file.ends_with("/Chart.yaml")).collect();
    assert!(!charts.is_empty());
    for file in charts {
        let chart = yaml(&file);
        names_this_version(&file, &chart["version"]);
        names_this_version(&file, &chart["appVersion"]);
    }
    // An empty value takes the chart's appVersion.
    assert_eq!(yaml("charts/ticket-operator/values.yaml")["image"]["tag"], "");
    assert_eq!(yaml("charts/ticket-platform/values.yaml")["spec"]["version"], "");
}

#[test]
fn the_examples_ask_for_it() {
    let examples: Vec<String> =
        files().into_iter().filter(|file| file.starts_with("examples/") && file.ends_with(".yaml")).collect();
    let platforms: Vec<(String, Value)> = examples
        .into_iter()
        .map(|file| (file.clone(), yaml(&file)))
        .filter(|(_, example)| example["kind"] == "TicketPlatform")
        .collect();
    assert!(!platforms.is_empty());
    for (file, platform) in platforms {
        names_this_version(&file, &platform["spec"]["version"]);
    }
}

#[test]
fn the_descriptions_of_the_http_interfaces_have_it() {
    let documents: Vec<String> = files().into_iter().filter(|file| file.ends_with("/openapi.json")).collect();
    assert!(!documents.is_empty());
    for file in documents {
        names_this_version(&file, &yaml(&file)["info"]["version"]);
    }
}

#[test]
fn the_pages_name_no_release_that_does_not_exist() {
    let fixtures: Vec<String> =
        files().iter().filter_map(|file| Some(file.strip_prefix(FIXTURES)?.split_once('/')?.0.to_owned())).collect();
    for page in pages() {
        for named in releases_named_in(&text(&page)) {
            assert!(named == VERSION || fixtures.contains(&named), "{page} names the release {named}");
        }
    }
}

/// Versions of three numbers that follow one of the words with which the pages and the operator's events name a release.
fn releases_named_in(page: &str) -> Vec<String> {
    let words: Vec<&str> = page.split_whitespace().collect();
    let named = words.windows(2).filter(|pair| {
        let word = pair[0].trim_start_matches(|letter: char| !letter.is_alphabetic());
        ["release", "version:", "tag", "of"].contains(&word.to_lowercase().as_str())
    });
    named.filter_map(|pair| version_at(pair[1])).collect()
}

fn version_at(word: &str) -> Option<String> {
    let word = word.trim_start_matches(['`', '"', '(']);
    let version: String = word.chars().take_while(|next| next.is_ascii_digit() || *next == '.').collect();
    let version = version.trim_end_matches('.');
    (version.split('.').count() == 3).then(|| version.to_owned())
}

#[test]
fn a_release_is_recognised_by_the_word_before_it() {
    let page =
        "Release 0.1.0: runs `--tag 0.2.0`, version: \"0.3.0\" of 0.4.0. PostgreSQL 17.12, Redis 8.0.2, of 3 seats";
    assert_eq!(releases_named_in(page), ["0.1.0", "0.2.0", "0.3.0", "0.4.0"]);
}
