//! `GET /api/v1/search/events`.

use std::collections::HashSet;

use redis::AsyncCommands;
use reqwest::StatusCode;
use serde_json::{Value, json};
use testbed::{Proxy, eventually, given};

use crate::support::{Service, World};

fn names(answer: &Value) -> Vec<&str> {
    answer["events"].as_array().unwrap().iter().map(|event| event["name"].as_str().unwrap()).collect()
}

/// Events that all have the same date, created by one statement.
async fn given_many_events(world: &World, count: i64) {
    let venue = given::venue(world.pool(), "Freiburg").await;
    world
        .sql(&format!(
            "INSERT INTO events (venue_id, date, name)
             SELECT {}, date_trunc('day', now()) + interval '30 days', 'Marathon' FROM generate_series(1, {count})",
            venue.id
        ))
        .await;
}

async fn redis(world: &World) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(format!("redis://{}", world.stores.redis_addr)).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

#[tokio::test]
async fn an_answer_has_the_contracts_form() {
    let world = World::create().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let event = given::event(world.pool(), &venue, "Philharmonie", 30).await;
    world.sql("UPDATE events SET date = '2099-07-15 22:00:00+02', description = 'Bruckner'").await;
    world
        .sql("INSERT INTO events (uuid, name, date) VALUES (gen_random_uuid(), 'Nowhere yet', '2099-08-01 00:00Z')")
        .await;
    world.prepare().await;
    let service = world.serve().await;
    let expected = json!({
        "events": [{"uuid": event.uuid, "name": "Philharmonie", "description": "Bruckner",
            "date": "2099-07-15T20:00:00Z", "location": "Freiburg"}],
        "total": 1, "page": 1, "size": 10,
    });
    assert_eq!(service.search("q=philharmonie").await, expected);
    let all = service.search(&format!("q=&size={}", 7)).await;
    assert_eq!(names(&all), ["Philharmonie", "Nowhere yet"]);
    assert!(all["events"][1].get("location").is_none() && all["events"][1].get("description").is_none());
    let nothing = service.search("q=xyzzyplugh").await;
    assert_eq!(nothing, json!({"events": [], "total": 0, "page": 1, "size": 10}));
}

#[tokio::test]
async fn names_weigh_more_than_locations_and_these_more_than_descriptions_despite_typos() {
    let world = World::create().await;
    let basel = given::venue(world.pool(), "Basel").await;
    let elsewhere = given::venue(world.pool(), "Colmar").await;
    given::event(world.pool(), &elsewhere, "Described", 10).await;
    world.sql("UPDATE events SET description = 'Basel'").await;
    given::event(world.pool(), &basel, "Located", 20).await;
    given::event(world.pool(), &elsewhere, "Basel", 30).await;
    // More events, so that no term is in every document.
    for number in 0..20 {
        given::event(world.pool(), &elsewhere, &format!("Other {number}"), 5).await;
    }
    world.sql("UPDATE events SET description = null WHERE name <> 'Described'").await;
    world.prepare().await;
    let service = world.serve().await;
    assert_eq!(names(&service.search("q=basel").await), ["Basel", "Located", "Described"]);
    assert_eq!(names(&service.search("q=bazel").await)[0], "Basel");
    assert_eq!(service.search("q=+BASEL+").await["total"], 3);
}

#[tokio::test]
async fn only_upcoming_events_are_found_soonest_first() {
    let world = World::create().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    for (name, in_days) in [("over", -1), ("far", 60), ("near", 2), ("middle", 30)] {
        given::event(world.pool(), &venue, name, in_days).await;
    }
    world.prepare().await;
    let service = world.serve().await;
    assert_eq!(names(&service.search("").await), ["near", "middle", "far"]);
    assert_eq!(service.search("q=over").await["total"], 0);
}

/// Trap 8 of the contract.
#[tokio::test]
async fn totals_beyond_ten_thousand_are_exact_and_pages_neither_repeat_nor_skip() {
    let world = World::create().await;
    given_many_events(&world, 10_050).await;
    world.prepare().await;
    // A document that is written again moves to the end of the index, so the order there does not help.
    world.sql("UPDATE events SET description = 'Written again' WHERE id % 3 = 0").await;
    world.prepare().await;
    let service = world.serve().await;
    let deepest = service.search("q=marathon&page=100&size=100").await;
    assert_eq!((&deepest["total"], names(&deepest).len()), (&json!(10_050), 100));
    for query in ["q=marathon", "q="] {
        let mut seen = HashSet::new();
        for page in 1..=10 {
            let answer = service.search(&format!("{query}&page={page}&size=37")).await;
            let uuids = answer["events"].as_array().unwrap().iter().map(|event| event["uuid"].to_string());
            let before = seen.len();
            seen.extend(uuids);
            assert_eq!(seen.len(), before + 37, "equal score and date, page {page} of {query:?}");
        }
    }
    let ordered: Vec<String> = sqlx::query_scalar("SELECT uuid FROM events ORDER BY id LIMIT 20 OFFSET 20")
        .fetch_all(world.pool())
        .await
        .unwrap();
    let answer = service.search("page=2&size=20").await;
    let uuids: Vec<&str> =
        answer["events"].as_array().unwrap().iter().map(|event| event["uuid"].as_str().unwrap()).collect();
    assert_eq!(uuids, ordered);
}

#[tokio::test]
async fn a_page_too_deep_and_a_query_too_long_are_refused() {
    let world = World::prepared().await;
    let service = world.serve().await;
    let too_deep = (400, "page_too_deep", "Page is too deep");
    let too_long = format!("q={}", "x".repeat(257));
    for (query, expected) in [
        ("page=1001&size=10", too_deep),
        ("page=99999999", too_deep),
        ("page=99999999999999999999999&size=0", too_deep),
        (too_long.as_str(), (400, "query_too_long", "Query is too long")),
    ] {
        let (status, code, message) = service.refused(query).await;
        assert_eq!((status, code.as_str(), message.as_str()), expected, "{query}");
    }
}

#[tokio::test]
async fn all_parameters_get_an_answer() {
    let world = World::prepared().await;
    let service = world.serve().await;
    for (query, page, size) in [
        ("size=0", 1, 10),
        ("page=0&size=-3", 1, 10),
        ("page=abc&size=1e3", 1, 10),
        ("size=1000", 1, 100),
        ("page=2&page=3", 2, 10),
        ("q=%00%ff%F0%9F%8E%B8&size=3", 1, 3),
        ("q=%22)(*%5B%5D%7B%7D%5C%2F:!&size=4", 1, 4),
        ("q=a%26b&unknown=1&&&=&size=5", 1, 5),
    ] {
        let answer = service.search(query).await;
        assert_eq!((&answer["page"], &answer["size"]), (&json!(page), &json!(size)), "{query}");
    }
    let longest = "%C3%BC".repeat(256);
    assert_eq!(service.search(&format!("q={longest}")).await["total"], 0);
    let unknown = service.get("/api/v1/search/nothing").await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(unknown.json::<Value>().await.unwrap()["error"], "not_found");
}

#[tokio::test]
async fn the_most_expensive_text_is_answered() {
    let world = World::create().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    // Every word of three letters has dozens of similar words among these.
    world
        .sql(&format!(
            "INSERT INTO events (venue_id, date, name)
             SELECT {}, now() + interval '1 day', string_agg(chr(97 + a) || chr(97 + b) || chr(97 + c), ' ')
             FROM generate_series(0, 25) a, generate_series(0, 25) b, generate_series(0, 25) c GROUP BY a, b",
            venue.id
        ))
        .await;
    world.prepare().await;
    let service = world.serve().await;
    let words: Vec<String> = (0..64_u8)
        .map(|number| format!("{}{}x", char::from(b'a' + number % 26), char::from(b'a' + number / 3)))
        .collect();
    let answer = service.search(&format!("q={}", words.join("+"))).await;
    assert!(answer["total"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn an_answer_is_cached_for_five_minutes_with_its_index() {
    let world = World::create().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    let word = world.name.clone();
    given::event(world.pool(), &venue, &word, 30).await;
    world.prepare().await;
    let service = world.serve().await;
    let answer = service.search(&format!("q=+{}+&size=5", word.to_uppercase())).await;
    let key = format!("search:{word}:1:5");
    let mut redis = redis(&world).await;
    let cached: String =
        eventually("the answer is cached", async || redis.get::<_, Option<String>>(&key).await.unwrap()).await;
    let mut cached: Value = serde_json::from_str(&cached).unwrap();
    assert_eq!(cached, json!({"index": world.index().name(), "answer": answer}));
    assert!((290..=300).contains(&redis.ttl::<_, i64>(&key).await.unwrap()));

    cached["answer"]["total"] = json!(77);
    let () = redis.set(&key, cached.to_string()).await.unwrap();
    assert_eq!(service.search(&format!("q={word}&size=5")).await["total"], 77, "the cached answer is used");
    for foreign in [json!({"index": "events-other", "answer": cached["answer"]}).to_string(), "nonsense".to_owned()] {
        let () = redis.set(&key, foreign).await.unwrap();
        assert_eq!(
            service.search(&format!("q={word}&size=5")).await["total"],
            1,
            "an answer from elsewhere is not used"
        );
    }
}

/// Trap 6 of the contract.
#[tokio::test]
async fn a_fault_of_redis_leaves_good_answers_good() {
    let world = World::create().await;
    let redis = Proxy::start(&world.stores.redis_addr).await;
    let world = world.with("REDIS_ADDR", &redis.addr);
    let venue = given::venue(world.pool(), "Freiburg").await;
    given::event(world.pool(), &venue, "Concert", 30).await;
    world.prepare().await;
    let service = world.serve().await;
    assert_eq!(service.search("q=concert").await["total"], 1);
    redis.cut();
    for size in 1..5 {
        assert_eq!(service.search(&format!("q=concert&size={size}")).await["total"], 1);
    }
    assert_eq!(service.get("/readyz").await.status(), StatusCode::OK);
    redis.mend();
    assert_eq!(service.search("q=concert").await["total"], 1);
}

async fn assert_unavailable(service: &Service, query: &str) {
    let response = service.get(&format!("/api/v1/search/events?{query}")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "unavailable");
}

#[tokio::test]
async fn without_an_index_the_service_waits_and_gives_the_reason() {
    let world = World::create().await;
    let venue = given::venue(world.pool(), "Freiburg").await;
    given::event(world.pool(), &venue, "Concert", 30).await;
    let service = world.start().await;
    assert_unavailable(&service, "q=concert").await;
    let index = world.index().name().to_owned();
    eventually("the reason names the missing index", async || {
        let reason = service.get("/readyz").await.text().await.unwrap();
        reason.contains(&format!("index {index} does not exist")).then_some(())
    })
    .await;
    assert_eq!(service.feed().await["state"], "waiting_for_index");
    assert_eq!(service.get("/livez").await.status(), StatusCode::OK);
    world.prepare().await;
    service.ready().await;
    assert_eq!(service.search("q=concert").await["total"], 1);
}

#[tokio::test]
async fn without_elasticsearch_the_service_answers_503_and_recovers() {
    let world = World::create().await;
    let elasticsearch = Proxy::start(world.stores.elasticsearch_addr()).await;
    let world = world.with("ELASTICSEARCH_ADDR", &format!("http://{}", elasticsearch.addr));
    world.prepare().await;
    let service = world.serve().await;
    assert_eq!(service.search("q=one").await["total"], 0);
    elasticsearch.cut();
    assert_unavailable(&service, "q=two").await;
    elasticsearch.mend();
    service.ready().await;
    assert_eq!(service.search("q=two").await["total"], 0);
}
