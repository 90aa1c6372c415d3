//! Outages of the stores.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use testbed::{Proxy, Stores, TestDatabase, eventually, within};

use crate::service::{Service, given_an_event, sell};

/// Trap 6 of the contract: a Redis fault turned a good database answer into a 500.
#[tokio::test]
async fn without_redis_the_page_comes_from_postgresql_alone() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2).await;
    sell(&db.pool, &[tickets[0].uuid]).await;
    let proxy = Proxy::start(&Stores::from_environment().redis_addr).await;
    let service = Service::start_with(db.environment(), &proxy.addr).await;
    service.hears().await;
    proxy.cut();
    for _ in 0..3 {
        let started = Instant::now();
        assert_eq!(service.statuses(event.uuid).await, ["booked", "available"]);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
    assert!(service.metric("event_pages_without_redis_total").await >= 3);
    assert_eq!(service.get("/readyz").await.status(), StatusCode::OK, "it works without Redis");
    proxy.mend();
    eventually("a page uses Redis again", async || {
        let before = service.metric("event_pages_without_redis_total").await;
        service.page(event.uuid).await;
        service.metric("event_pages_without_redis_total").await == before
    })
    .await;
}

#[tokio::test]
async fn a_service_that_starts_without_redis_answers() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 2).await;
    // Port 1 answers nobody.
    let service = Service::start_with(db.environment(), "127.0.0.1:1").await;
    assert_eq!(service.statuses(event.uuid).await, ["available", "available"]);
}

#[tokio::test]
async fn without_postgresql_the_answer_is_503_and_the_service_comes_back_by_itself() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 2).await;
    let proxy = Proxy::start(&db.addr()).await;
    let redis_addr = Stores::from_environment().redis_addr;
    let service = Service::start_with(db.environment_at(&proxy.addr), &redis_addr).await;
    service.hears().await;
    service.page(event.uuid).await;
    assert_eq!(service.get("/readyz").await.status(), StatusCode::OK);
    proxy.cut();
    let response = service.event(event.uuid).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "unavailable");
    // Out of its Service it could not give this answer.
    assert_eq!(service.get("/readyz").await.status(), StatusCode::OK);
    assert_eq!(service.get("/livez").await.status(), StatusCode::OK);
    proxy.mend();
    let back = async || service.event(event.uuid).await.status() == StatusCode::OK;
    within(Duration::from_secs(15), "the page is back", back).await.unwrap();
    service.hears().await;
    assert_eq!(service.get("/readyz").await.status(), StatusCode::OK);
}
