//! `kind-config.yaml` and `skaffold.yaml` need tools that are not here. These tests check that what the two files name exists
//! and agrees.

use serde_yaml::Value;

use crate::repository::{root, text};

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn items(value: &Value) -> &[Value] {
    value.as_sequence().map(Vec::as_slice).unwrap_or_default()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value:?} is not a word"))
}

/// NodePorts of the three services, in the order event management, booking, search.
fn node_ports() -> Vec<u64> {
    let platform = yaml("examples/ticketplatform-local.yaml");
    ["eventManagement", "booking", "search"]
        .map(|service| platform["spec"]["services"][service]["service"]["nodePort"].as_u64().unwrap())
        .to_vec()
}

#[test]
fn kind_publishes_the_node_ports_of_the_local_example_where_make_up_says() {
    let config = yaml("kind-config.yaml");
    let mappings = items(&config["nodes"][0]["extraPortMappings"]);
    let inside: Vec<u64> = mappings.iter().map(|mapping| mapping["containerPort"].as_u64().unwrap()).collect();
    let outside: Vec<u64> = mappings.iter().map(|mapping| mapping["hostPort"].as_u64().unwrap()).collect();
    assert_eq!(inside, node_ports());
    assert_eq!(outside, [8080, 8081, 8082]);
    assert!(mappings.iter().all(|mapping| word(&mapping["listenAddress"]) == "127.0.0.1"));
}

#[test]
fn the_node_without_docker_publishes_the_same_ports() {
    let cluster = text("dev/cluster/cluster.sh");
    let ports: Vec<String> = node_ports().iter().map(u64::to_string).collect();
    assert!(
        cluster.contains(&format!("node_ports=({})", ports.join(" "))),
        "dev/cluster/cluster.sh has other NodePorts"
    );
    assert!(cluster.contains("8080 8081 8082"), "dev/cluster/cluster.sh publishes other ports");
}

#[test]
fn skaffold_builds_each_program_image_that_the_containerfile_makes() {
    let skaffold = yaml("skaffold.yaml");
    assert_eq!(word(&skaffold["apiVersion"]), "skaffold/v4beta14");
    let containerfile = text("dev/images/Containerfile");
    let registry = word(&yaml("charts/ticket-operator/values.yaml")["image"]["registry"]).to_owned();
    let artifacts = items(&skaffold["build"]["artifacts"]);
    assert_eq!(artifacts.len(), 5);
    for artifact in artifacts {
        let image = word(&artifact["image"]);
        let program =
            image.strip_prefix(&format!("{registry}/")).unwrap_or_else(|| panic!("{image} is not in {registry}"));
        assert!(containerfile.contains(&format!(" AS {program}\n")), "no target {program} in the Containerfile");
        let command = word(&artifact["custom"]["buildCommand"]);
        assert!(command.contains(&format!("--program {program} ")), "{image} is built by {command}");
        for path in items(&artifact["custom"]["dependencies"]["paths"]) {
            let path = word(path).trim_end_matches("/**");
            assert!(root().join(path).exists(), "{path} of {image} does not exist");
        }
    }
}

#[test]
fn skaffold_deploys_charts_that_exist_and_forwards_to_their_services() {
    let skaffold = yaml("skaffold.yaml");
    let releases = items(&skaffold["deploy"]["helm"]["releases"]);
    for release in releases {
        let chart = root().join(word(&release["chartPath"]));
        assert!(chart.join("Chart.yaml").exists(), "{} is no chart", chart.display());
        let values: Value = serde_yaml::from_str(&std::fs::read_to_string(chart.join("values.yaml")).unwrap()).unwrap();
        for (path, _) in release["setValueTemplates"].as_mapping().into_iter().flatten() {
            let found = word(path).split('.').fold(&values, |value, part| &value[part]);
            assert!(!found.is_null(), "{} has no value {}", chart.display(), word(path));
        }
    }
    let platform = word(&releases.last().unwrap()["name"]).to_owned();
    let ports: Vec<u64> =
        items(&skaffold["portForward"]).iter().map(|forward| forward["port"].as_u64().unwrap()).collect();
    assert_eq!(ports, [8080, 8081, 8082]);
    for forward in items(&skaffold["portForward"]) {
        assert!(word(&forward["resourceName"]).starts_with(&format!("{platform}-")));
    }
}
