//! Comparing PostgreSQL and the index without the code under test.

use std::collections::BTreeMap;

use reqwest::Client;
use serde_json::{Map, Value, json};
use testbed::eventually;

use super::World;

impl World {
    /// Waits until index and database hold the same and no record waits. Then it checks that they still hold the same.
    pub(crate) async fn assert_index_equals_database(&self) {
        eventually("index and database hold the same", async || self.indexed().await == self.expected().await).await;
        self.no_lag().await;
        let (indexed, expected) = (self.indexed().await, self.expected().await);
        let missing: Vec<_> = expected.iter().filter(|(id, row)| indexed.get(id) != Some(row)).take(3).collect();
        let left_over: Vec<_> = indexed.iter().filter(|(id, _)| !expected.contains_key(id)).take(3).collect();
        assert!(
            missing.is_empty() && left_over.is_empty(),
            "missing or different {missing:?}, left over {left_over:?}"
        );
    }

    /// The documents that the index should hold, by id, computed by PostgreSQL alone.
    async fn expected(&self) -> BTreeMap<i64, Value> {
        let rows: Vec<(i64, Value)> = sqlx::query_as(
            r#"SELECT e.id, jsonb_strip_nulls(jsonb_build_object(
                   'id', e.id, 'uuid', e.uuid, 'name', e.name, 'description', e.description, 'venue_id', e.venue_id,
                   'location', v.location, 'moment', floor(extract(epoch FROM e.date) * 1000)))
               FROM events e LEFT JOIN venues v ON v.id = e.venue_id"#,
        )
        .fetch_all(self.pool())
        .await
        .unwrap();
        rows.into_iter().collect()
    }

    /// The documents that the index holds, by id, each with its date as Elasticsearch parsed it.
    async fn indexed(&self) -> BTreeMap<i64, Value> {
        let client = Client::new();
        client.post(self.elasticsearch("/_refresh")).send().await.unwrap();
        let mut documents = BTreeMap::new();
        loop {
            let behind = documents.last_key_value().map_or(i64::MIN, |(id, _)| *id);
            let query = json!({"size": 5000, "query": {"range": {"id": {"gt": behind}}}, "sort": [{"id": "asc"}],
                "docvalue_fields": [{"field": "date", "format": "epoch_millis"}]});
            let answer = client.post(self.elasticsearch("/_search")).json(&query).send().await.unwrap();
            let mut answer: Value = answer.json().await.unwrap();
            let Value::Array(hits) = answer["hits"]["hits"].take() else { return documents };
            if hits.is_empty() {
                return documents;
            }
            for mut hit in hits {
                let mut source: Map<String, Value> = hit["_source"].as_object_mut().map(std::mem::take).unwrap();
                source.remove("date");
                let moment: i64 = hit["fields"]["date"][0].as_str().unwrap().parse().unwrap();
                source.insert("moment".to_owned(), json!(moment));
                documents.insert(hit["_id"].as_str().unwrap().parse().unwrap(), Value::Object(source));
            }
        }
    }
}
