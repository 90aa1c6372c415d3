//! What the operator builds, as YAML a person can read and compare.
use release::{Feed, IndexDefinition, MigrationSet, MigrationSets, Release};
use serde_json::json;
use ticket_operator::{
    Component, JobKind,
    api::{RecordedRelease, TicketPlatform},
    resources::{Target, config_map, connector, deployment, index_job, job::Attempt, migrate_job, service},
};

fn platform() -> TicketPlatform {
    let example = include_str!("../../../examples/ticketplatform-local.yaml");
    // By way of JSON, as the API server does: serde_yaml would want `!free` for the choice of payments.
    let example: serde_json::Value = serde_yaml::from_str(example).unwrap();
    let mut platform: TicketPlatform = serde_json::from_value(example).unwrap();
    platform.metadata.uid = Some("00000000-0000-0000-0000-000000000000".into());
    platform.metadata.generation = Some(1);
    platform
}

fn target() -> Target {
    let set = || MigrationSet { versions: vec![1], hash: "cccccccccccc".into() };
    let description = Release {
        version: "0.1.0".into(),
        migrations: MigrationSets { before: set(), after: MigrationSet::default() },
        index: IndexDefinition { hash: "aaaaaaaaaaaa".into() },
        feed: Feed { tables: vec!["public.venues".into(), "public.events".into()] },
    };
    Target { spec: platform().spec, release: RecordedRelease { job_key: "bbbbbbbbbbbb".into(), description } }
}

#[test]
fn deployment_of_search() {
    insta::assert_yaml_snapshot!(deployment::build(&platform(), Component::Search, &target(), "secrets"));
}

#[test]
fn settings_of_booking() {
    insta::assert_yaml_snapshot!(config_map::build(&platform(), Component::Booking, &target()).data);
}

#[test]
fn booking_is_paid_through_stripe_with_keys_out_of_their_secret() {
    let mut target = target();
    target.spec.services.booking.payments =
        serde_json::from_value(json!({"stripe": {"secret": {"name": "stripe"}}})).unwrap();
    let settings = config_map::build(&platform(), Component::Booking, &target).data.unwrap();
    assert_eq!(settings["PAYMENT_PROVIDER"], "stripe");
    assert_eq!(settings["PAYMENT_SECONDS"], "600");
    assert!(!settings.contains_key("STRIPE_API_URL"), "the service knows where Stripe is");
    let from_stripe = |component| {
        let deployment = deployment::build(&platform(), component, &target, "secrets");
        let containers = deployment.spec.unwrap().template.spec.unwrap().containers;
        let variables = containers.into_iter().flat_map(|container| container.env.unwrap_or_default());
        let of_stripe = variables.filter_map(|variable| {
            let key = variable.value_from?.secret_key_ref?;
            (key.name == "stripe").then_some((variable.name, key.key))
        });
        of_stripe.collect::<Vec<_>>()
    };
    let expected = [("STRIPE_SECRET_KEY", "secret-key"), ("STRIPE_WEBHOOK_SECRET", "webhook-secret")];
    assert_eq!(from_stripe(Component::Booking), expected.map(|(name, key)| (name.to_owned(), key.to_owned())));
    assert!(from_stripe(Component::Search).is_empty(), "nobody else gets the keys");
}

#[test]
fn service_of_event_management() {
    insta::assert_yaml_snapshot!(service::build(&platform(), Component::EventManagement, &platform().spec));
}

#[test]
fn jobs() {
    let migrate = Attempt { kind: JobKind::MigrateBefore, key: "dddddddddddd", number: 1 };
    insta::assert_yaml_snapshot!("migrate_job", migrate_job::build(&platform(), &migrate));
    let index = Attempt { kind: JobKind::PrepareIndex, key: "eeeeeeeeeeee", number: 2 };
    insta::assert_yaml_snapshot!("index_job", index_job::build(&platform(), &target(), &index));
}

#[test]
fn connector_config() {
    let config = connector::build(&platform(), &target(), "ticket_change_feed");
    assert!(config.values().all(|value| !value.contains("secret-password")));
    insta::assert_yaml_snapshot!(config);
}

#[test]
fn an_overlay_cannot_replace_the_labels_pods_are_found_by() {
    let mut target = target();
    let labels = json!({"app.kubernetes.io/instance": "other", "team": "a"});
    target.spec.services.search.pod_template.labels = serde_json::from_value(labels).unwrap();
    let built = deployment::build(&platform(), Component::Search, &target, "s");
    let labels = built.spec.unwrap().template.metadata.unwrap().labels.unwrap();
    assert_eq!(labels["app.kubernetes.io/instance"], "box-office");
    assert_eq!(labels["team"], "a");
}

#[test]
fn the_revision_changes_with_whatever_the_pods_are_made_of_and_with_nothing_else() {
    let platform = platform();
    let revision =
        |target: &Target, secrets: &str| deployment::revision(&platform, Component::Booking, target, secrets);
    let before = revision(&target(), "s");
    let changed = |change: fn(&mut Target)| {
        let mut target = target();
        change(&mut target);
        revision(&target, "s")
    };
    assert_ne!(before, revision(&target(), "rotated"), "a Secret");
    assert_ne!(before, changed(|target| target.spec.version = "0.2.0".into()), "the version");
    assert_ne!(before, changed(|target| target.spec.services.booking.hold_minutes = Some(5)), "a setting");
    assert_eq!(before, changed(|target| target.spec.services.booking.workload.replicas = 9), "the number of pods");
    assert_eq!(before, changed(|target| target.spec.services.search.replicas = 9), "another service");
}
