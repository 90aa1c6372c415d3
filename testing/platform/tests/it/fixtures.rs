//! The releases in `dev/images/fixtures/`, which exist only for tests, follow the real files that they replace.

use serde_json::Value;

use crate::repository::text;

const INDEX: &str = "services/search/index.json";
const INDEX_OF_THE_SECOND: &str = "dev/images/fixtures/0.2.0/release/index.json";

fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_index_of_the_second_release_is_the_real_one_with_one_sub_field_more() {
    let mut fixture = json(INDEX_OF_THE_SECOND);
    let name = fixture.pointer_mut("/mappings/properties/name").unwrap().as_object_mut().unwrap();
    assert_eq!(name.remove("fields"), Some(serde_json::json!({"raw": {"type": "keyword", "ignore_above": 256}})));
    assert_eq!(fixture, json(INDEX), "{INDEX_OF_THE_SECOND} differs from {INDEX} in more than the sub-field");
}

#[test]
fn the_feed_of_the_second_release_is_the_real_one_with_one_table_more() {
    let tables = |path: &str| -> Vec<String> { serde_json::from_value(json(path)["tables"].clone()).unwrap() };
    let mut real = tables("migrations/feed.json");
    real.push("public.performers".to_owned());
    assert_eq!(tables("dev/images/fixtures/0.2.0/release/feed.json"), real);
}
