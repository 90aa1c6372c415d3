//! Finds platforms that use the same names. The older platform wins, so that a new resource never disturbs a running
//! one.

use std::sync::Arc;

use kube::ResourceExt;

use crate::{
    api::TicketPlatform,
    names::{host_in_namespace, namespace, url_in_namespace},
};

/// The names that this platform would share with older ones, as sentences.
pub(crate) fn find(platform: &TicketPlatform, all: &[Arc<TicketPlatform>]) -> Vec<String> {
    let own = claims(platform);
    let older = all.iter().filter(|other| other.uid() != platform.uid() && age(other) < age(platform));
    let mut found: Vec<String> = older
        .flat_map(|other| {
            let theirs = claims(other);
            let shared: Vec<String> = own.iter().filter(|claim| theirs.contains(claim)).cloned().collect();
            shared
                .into_iter()
                .map(|claim| format!("TicketPlatform {}/{} already uses {claim}.", namespace(other), other.name_any()))
        })
        .collect();
    found.sort();
    found
}

fn age(platform: &TicketPlatform) -> (Option<k8s_openapi::jiff::Timestamp>, Option<String>) {
    (platform.metadata.creation_timestamp.as_ref().map(|time| time.0), platform.uid())
}

/// What a platform must have for itself, with the store that holds it.
fn claims(platform: &TicketPlatform) -> [String; 5] {
    let spec = &platform.spec;
    let namespace = namespace(platform);
    let connector = &spec.connect.connector;
    let server = format!("{}:{}", host(&spec.postgres.host, namespace), spec.postgres.port);
    let brokers: Vec<String> =
        spec.kafka.bootstrap_servers.split(',').map(|broker| address(broker.trim(), namespace)).collect();
    [
        format!("database {} of {server}", spec.postgres.database),
        format!("replication slot {} of {server}", connector.slot),
        format!("connector {} of {}", connector.name, url(&spec.connect.url, namespace)),
        format!("topics {}.* of {}", connector.topic_prefix, brokers.join(",")),
        format!("indexes {}-* of {}", spec.elasticsearch.index_prefix, url(&spec.elasticsearch.url, namespace)),
    ]
}

/// One spelling for all names of a Service.
fn host(host: &str, namespace: &str) -> String {
    let host = host_in_namespace(&host.to_lowercase(), namespace);
    let host = host.trim_end_matches('.').trim_end_matches(".cluster.local");
    host.trim_end_matches(".svc").to_owned()
}

fn address(address: &str, namespace: &str) -> String {
    match address.rsplit_once(':') {
        Some((name, port)) => format!("{}:{port}", host(name, namespace)),
        None => host(address, namespace),
    }
}

fn url(url: &str, namespace: &str) -> String {
    let url = url_in_namespace(&url.to_lowercase(), namespace);
    let authority = url.split_once("://").map_or(url.as_str(), |(_, authority)| authority);
    address(authority, namespace)
}

#[cfg(test)]
mod tests {
    use super::{address, url};

    #[test]
    fn the_names_of_one_service_are_one_name() {
        for spelling in
            ["kafka:9092", "Kafka.tickets:9092", "kafka.tickets.svc:9092", "kafka.tickets.svc.cluster.local:9092"]
        {
            assert_eq!(address(spelling, "tickets"), "kafka.tickets:9092");
        }
        assert_eq!(url("http://connect:8083", "tickets"), url("http://connect.tickets.svc:8083", "other"));
        assert_ne!(url("http://connect:8083", "tickets"), url("http://connect:8083", "other"));
    }
}
