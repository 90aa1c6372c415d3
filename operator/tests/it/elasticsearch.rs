//! The client against a real Elasticsearch.

use std::collections::BTreeSet;

use serde_json::json;
use testbed::Stores;
use ticket_operator::{
    ErrorClass,
    backends::{
        elasticsearch::{Elasticsearch, HttpElasticsearch},
        http_client,
    },
};

use crate::unique;

#[tokio::test]
async fn indexes_show_when_they_were_filled_and_the_alias_moves_in_one_step() {
    let url = Stores::from_environment().elasticsearch_url;
    let http = http_client().unwrap();
    let client = HttpElasticsearch::new(http.clone(), &url);
    let prefix = unique("index");
    let (old, new) = (format!("{prefix}-000000000001"), format!("{prefix}-000000000002"));
    assert!(client.look(&prefix).await.unwrap().indexes.is_empty());
    for (name, meta) in [(&old, json!({"filled_at": "2026-01-01T00:00:00Z"})), (&new, json!({}))] {
        let body = json!({"mappings": {"_meta": meta}, "settings": {"number_of_replicas": 0}});
        let answer = http.put(format!("{url}/{name}")).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
    let view = client.look(&prefix).await.unwrap();
    assert_eq!(view.indexes[&old].as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(view.indexes[&new], None);
    for index in [&old, &new] {
        let from = client.look(&prefix).await.unwrap().alias;
        client.point_alias(&prefix, index, &from).await.unwrap();
        assert_eq!(client.look(&prefix).await.unwrap().alias, BTreeSet::from([index.clone()]));
    }
    client.delete(&[old.clone(), new.clone()]).await.unwrap();
    client.delete(&[old, new]).await.unwrap();
    assert!(client.look(&prefix).await.unwrap().indexes.is_empty());
}

#[tokio::test]
async fn an_elasticsearch_that_is_down_is_transient() {
    let client = HttpElasticsearch::new(http_client().unwrap(), "http://127.0.0.1:1");
    assert_eq!(client.look("x").await.unwrap_err().class, ErrorClass::Transient);
}
