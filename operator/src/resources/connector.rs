//! The whole configuration of the change feed's connector.

use std::collections::BTreeMap;

use super::Target;
use crate::{api::TicketPlatform, backends::connect::CONNECTOR_CLASS, names};

/// Builds the configuration. It holds no password: Connect resolves the reference when it starts the task.
pub fn build(platform: &TicketPlatform, target: &Target, username: &str) -> BTreeMap<String, String> {
    let spec = &target.spec;
    let connector = &spec.connect.connector;
    let json = "org.apache.kafka.connect.json.JsonConverter";
    // Connect may run in any namespace, so the host gets the form that is valid in all of them.
    let host = names::host_in_namespace(&spec.postgres.host, names::namespace(platform));
    [
        ("name", connector.name.clone()),
        ("connector.class", CONNECTOR_CLASS.to_owned()),
        ("tasks.max", "1".to_owned()),
        ("plugin.name", "pgoutput".to_owned()),
        ("database.hostname", host),
        ("database.port", spec.postgres.port.to_string()),
        ("database.user", username.to_owned()),
        ("database.password", spec.postgres.change_feed.password_reference()),
        ("database.dbname", spec.postgres.database.clone()),
        ("database.sslmode", spec.postgres.ssl_mode.as_str().to_owned()),
        ("topic.prefix", connector.topic_prefix.clone()),
        ("slot.name", connector.slot.clone()),
        ("publication.name", connector.publication.clone()),
        // The operator keeps the publication. The change feed's role may not, and Debezium would publish all tables.
        ("publication.autocreate.mode", "disabled".to_owned()),
        ("table.include.list", tables(target).join(",")),
        // This takes a snapshot at first, and again when the offsets point to changes that the database no longer has.
        // So the feed recovers by itself after the database was restored or the slot was lost.
        ("snapshot.mode", "when_needed".to_owned()),
        ("tombstones.on.delete", "true".to_owned()),
        // By default Debezium leaves out TRUNCATE, and search would go on listing rows that are gone.
        ("skipped.operations", "none".to_owned()),
        // With the default of 500 ms a change takes ten times as long to reach the index.
        ("poll.interval.ms", "50".to_owned()),
        ("key.converter", json.to_owned()),
        ("key.converter.schemas.enable", "false".to_owned()),
        ("value.converter", json.to_owned()),
        ("value.converter.schemas.enable", "false".to_owned()),
        ("topic.creation.default.partitions", spec.kafka.topic_partitions.to_string()),
        ("topic.creation.default.replication.factor", spec.kafka.topic_replication_factor.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// The tables of the feed. They are sorted, so that another order in the release is not another configuration.
pub fn tables(target: &Target) -> Vec<String> {
    let mut tables = target.release.description.feed.tables.clone();
    tables.sort();
    tables.dedup();
    tables
}
