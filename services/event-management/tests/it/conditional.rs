//! Entity tags, and clients that have a page already.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use testbed::TestDatabase;

use crate::service::{A_WHILE, Service, execute, given_an_event, hold, release, runs_out, sell};

#[tokio::test]
async fn a_page_that_the_client_has_is_not_sent_again_until_a_hold_begins_or_runs_out() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2).await;
    let service = Service::start(&db).await;
    let free = service.etag(event.uuid).await;
    let unchanged = service.if_none_match(event.uuid, &free).await;
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(unchanged.headers()["etag"], *free);
    assert_eq!(unchanged.headers()["cache-control"], "no-cache");
    assert_eq!(unchanged.headers()["vary"], "accept-encoding");
    assert!(unchanged.bytes().await.unwrap().is_empty());

    hold(&event, &tickets[0], Duration::from_secs(2)).await;
    assert_eq!(service.if_none_match(event.uuid, &free).await.status(), StatusCode::OK);
    let held = service.etag(event.uuid).await;
    assert_eq!(service.if_none_match(event.uuid, &held).await.status(), StatusCode::NOT_MODIFIED);

    // Nothing is written when a hold expires.
    runs_out(&tickets[0]).await;
    let over = service.if_none_match(event.uuid, &held).await;
    assert_eq!((over.status(), over.headers()["etag"].to_str().unwrap()), (StatusCode::OK, &*free));
    assert_eq!(service.metric("event_pages_total{status=\"304\"}").await, 2);
}

#[tokio::test]
async fn a_sale_and_a_change_of_the_details_are_other_pages() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2).await;
    let service = Service::start(&db).await;
    let user = hold(&event, &tickets[0], A_WHILE).await;
    let held = service.etag(event.uuid).await;
    sell(&db.pool, &[tickets[0].uuid]).await;
    release(&event, &tickets[0], user).await;
    assert_eq!(service.if_none_match(event.uuid, &held).await.status(), StatusCode::OK);
    let sold = service.etag(event.uuid).await;
    execute(&db.pool, "UPDATE tickets SET price = price + 1").await;
    service.time_until(event.uuid, |page| page["tickets"][1]["price"] == testbed::given::PRICE + 1).await;
    assert_ne!(service.etag(event.uuid).await, sold);
}

#[tokio::test]
async fn replicas_give_the_same_page_the_same_tag() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2).await;
    hold(&event, &tickets[0], A_WHILE).await;
    let replicas = [Service::start(&db).await, Service::start(&db).await];
    let etag = replicas[0].etag(event.uuid).await;
    assert_eq!(replicas[1].if_none_match(event.uuid, &etag).await.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn lists_weak_tags_and_a_star_are_understood() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 1).await;
    let service = Service::start(&db).await;
    let etag = service.etag(event.uuid).await;
    for list in [format!("\"x\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
        assert_eq!(service.if_none_match(event.uuid, &list).await.status(), StatusCode::NOT_MODIFIED, "{list}");
    }
    for list in ["\"x\"", "x", "\"", ""] {
        assert_eq!(service.if_none_match(event.uuid, list).await.status(), StatusCode::OK, "{list}");
    }
    let nowhere = service.if_none_match("00000000-0000-4000-8000-000000000000", "*").await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn head_answers_with_the_headers_of_get() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 100).await;
    let service = Service::start(&db).await;
    for encoding in ["identity", "gzip"] {
        let encoding = ("accept-encoding", encoding);
        let get = service.ask(Method::GET, event.uuid, &[encoding]).await;
        let head = service.ask(Method::HEAD, event.uuid, &[encoding]).await;
        assert_eq!(head.status(), StatusCode::OK);
        for name in ["etag", "content-length", "content-type", "cache-control", "vary"] {
            assert_eq!(head.headers().get(name), get.headers().get(name), "{name}");
        }
        let etag = get.headers()["etag"].to_str().unwrap().to_owned();
        assert!(!get.bytes().await.unwrap().is_empty());
        assert!(head.bytes().await.unwrap().is_empty());
        let unchanged = service.ask(Method::HEAD, event.uuid, &[encoding, ("if-none-match", &etag)]).await;
        assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    }
}
