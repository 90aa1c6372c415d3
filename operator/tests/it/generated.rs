//! Files that are generated from the operator's types are committed as they would be generated now.
//! `UPDATE_GENERATED=1` writes them.
use std::path::{Path, PathBuf};

use kube::CustomResourceExt;
use ticket_operator::api::{Reason, TicketPlatform};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn definition() -> String {
    let header = "# Generated from operator/src/api by `make generate`.\n";
    format!("{header}{}", serde_yaml::to_string(&TicketPlatform::crd()).unwrap())
}

fn assert_committed(path: &str, generated: &str) {
    let path = repository().join(path);
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, generated).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "{} is out of date: run `make generate`", path.display());
}

#[test]
fn the_committed_definition_is_the_one_of_the_types() {
    assert_committed("crds/ticketplatforms.yaml", &definition());
}

#[test]
fn the_committed_chart_carries_the_same_definition() {
    assert_committed("charts/ticket-operator/files/ticketplatforms.yaml", &definition());
}

#[test]
fn every_field_of_the_specification_explains_itself() {
    let definition = serde_json::to_value(TicketPlatform::crd()).unwrap();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut silent = Vec::new();
    collect_silent("spec", schema, &mut silent);
    assert!(silent.is_empty(), "fields without a description: {silent:#?}");
}

fn collect_silent(path: &str, schema: &serde_json::Value, silent: &mut Vec<String>) {
    if schema["description"].as_str().is_none_or(str::is_empty) {
        silent.push(path.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        collect_silent(&format!("{path}.{name}"), property, silent);
    }
}

#[test]
fn examples_are_what_the_types_understand_and_say_nothing_they_do_not() {
    for name in ["minimal", "full", "local"] {
        let path = repository().join(format!("examples/ticketplatform-{name}.yaml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let written: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let understood: TicketPlatform = serde_json::from_value(written.clone()).unwrap();
        let understood = serde_json::to_value(&understood).unwrap();
        assert_contains(&understood, &written, name);
    }
}

/// Everything written is understood: a misspelt field would be missing. Empty lists and maps may be left out.
fn assert_contains(understood: &serde_json::Value, written: &serde_json::Value, path: &str) {
    use serde_json::Value::{Array, Object};
    match written {
        Object(fields) => {
            for (name, value) in fields {
                assert_contains(&understood[name], value, &format!("{path}.{name}"));
            }
        }
        Array(items) if items.is_empty() => {}
        _ => assert_eq!(understood, written, "{path}"),
    }
}

#[test]
fn the_committed_page_of_reasons_is_the_one_of_the_types() {
    let page = format!(
        "# Reasons of a TicketPlatform's conditions\n\nGenerated from `operator/src/api/reason.rs`.\n\n{}",
        Reason::markdown()
    );
    assert_committed("docs/reasons.md", &page);
}
