//! The content of the page.

use reqwest::StatusCode;
use serde_json::{Value, json};
use testbed::{TestDatabase, given};

use crate::service::{Service, execute, given_an_event};

#[tokio::test]
async fn an_event_is_shown_as_the_contract_says() {
    let db = TestDatabase::create().await;
    let venue = given::venue(&db.pool, "Berlin").await;
    let event = given::event(&db.pool, &venue, "Show", 3).await;
    let tickets = given::tickets(&db.pool, &event, 2).await;
    execute(
        &db.pool,
        "UPDATE events SET date = '2046-07-15 22:00:00+02';
         UPDATE venues SET seat_map = '{\"B1\": false, \"A1\": true}';
         INSERT INTO performers (uuid, name, age, description) VALUES
            ('11111111-1111-4111-8111-111111111111', 'Ada', 34, 'Sings'),
            ('22222222-2222-4222-8222-222222222222', 'Bob', 40, NULL);
         INSERT INTO event_performers SELECT events.id, performers.id FROM events, performers",
    )
    .await;
    let service = Service::start(&db).await;
    let response = service.event(event.uuid).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let text = response.text().await.unwrap();
    assert!(text.contains(r#"{"B1": false, "A1": true}"#), "a seat map is shown in the order in which it was written");
    let page: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "uuid": event.uuid, "name": "Show", "description": "About Show", "date": "2046-07-15T20:00:00Z",
        "venue": {"uuid": venue.uuid, "location": "Berlin", "seat_map": {"A1": true, "B1": false}},
        "performers": [
            {"uuid": "11111111-1111-4111-8111-111111111111", "name": "Ada", "age": 34, "description": "Sings"},
            {"uuid": "22222222-2222-4222-8222-222222222222", "name": "Bob", "age": 40},
        ],
        "tickets": [
            {"uuid": tickets[0].uuid, "price": given::PRICE, "seat": tickets[0].seat, "status": "available"},
            {"uuid": tickets[1].uuid, "price": given::PRICE, "seat": tickets[1].seat, "status": "available"},
        ],
    });
    assert_eq!(page, expected);
}

#[tokio::test]
async fn an_event_says_when_it_is_on_sale_and_that_it_was_cancelled() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 1).await;
    let replicas = [Service::start(&db).await, Service::start(&db).await];
    execute(
        &db.pool,
        "UPDATE events SET sale_starts_at = '2046-01-01 10:00:00+01', sale_ends_at = '2046-07-15 19:00:00+00',
                           cancelled_at = '2046-07-01 12:00:00+00'",
    )
    .await;
    // From the database and from the shared cache.
    for replica in &replicas {
        replica.time_until(event.uuid, |page| page["cancelled_at"] == "2046-07-01T12:00:00Z").await;
        let page = replica.page(event.uuid).await;
        assert_eq!(page["sale_starts_at"], "2046-01-01T09:00:00Z");
        assert_eq!(page["sale_ends_at"], "2046-07-15T19:00:00Z");
    }
}

#[tokio::test]
async fn a_moment_that_cannot_be_written_is_shown_as_the_last_that_can() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 1).await;
    execute(&db.pool, "UPDATE events SET sale_starts_at = '-infinity', sale_ends_at = 'infinity'").await;
    let page = Service::start(&db).await.page(event.uuid).await;
    assert_eq!(page["sale_starts_at"], "0001-01-01T00:00:00Z");
    assert_eq!(page["sale_ends_at"], "9999-12-31T23:59:59Z");
    assert!(page.get("cancelled_at").is_none());
}

/// Trap 9 of the contract.
#[tokio::test]
async fn an_event_with_nothing_but_a_name_and_a_date_is_shown_without_the_rest() {
    let db = TestDatabase::create().await;
    let uuid = "33333333-3333-4333-8333-333333333333";
    execute(
        &db.pool,
        &format!("INSERT INTO events (uuid, date, name) VALUES ('{uuid}', '2046-01-01 00:00:00+00', 'Bare')"),
    )
    .await;
    let service = Service::start(&db).await;
    let bare = json!({"uuid": uuid, "name": "Bare", "date": "2046-01-01T00:00:00Z"});
    assert_eq!(service.page(uuid).await, bare);
    assert_eq!(service.page(uuid).await, bare, "from the cache as well");
}

#[tokio::test]
async fn whatever_the_path_holds_an_event_that_is_not_there_is_not_found() {
    let db = TestDatabase::create().await;
    let event = given::event(&db.pool, &given::venue(&db.pool, "Berlin").await, "Show", 3).await;
    let service = Service::start(&db).await;
    let long = "x".repeat(5000);
    for path in [
        "00000000-0000-4000-8000-000000000000",
        "not-a-uuid",
        "1",
        "%00",
        "%FF%FE",
        "a%2Fb",
        "..%2f..%2fetc",
        "'%20OR%201=1--",
        "%F0%9F%8E%AB",
        &long,
        &event.uuid.to_string().replace('-', ""),
        &format!("%7B{}%7D", event.uuid),
        &format!("{}%20", event.uuid),
    ] {
        let response = service.event(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body, json!({"error": "event_not_found", "message": "Event not found"}), "{path}");
    }
    assert_eq!(
        service.event(&event.uuid.to_string().to_uppercase()).await.status(),
        StatusCode::OK,
        "case does not matter in a UUID"
    );
}

#[tokio::test]
async fn unknown_routes_and_other_methods_answer_json_errors() {
    let db = TestDatabase::create().await;
    let service = Service::start(&db).await;
    for path in ["/", "/api/v1/management", "/api/v1/management/events", "/api/v1/management/events/a/b"] {
        let response = service.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(response.json::<Value>().await.unwrap()["error"], "not_found", "{path}");
    }
}
