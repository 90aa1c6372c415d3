//! Packed pages.

use std::io::Read;

use flate2::read::GzDecoder;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use testbed::TestDatabase;

use crate::service::{A_WHILE, Service, given_an_event, hold};

#[tokio::test]
async fn a_page_is_packed_for_clients_that_accept_it() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 100).await;
    hold(&event, &tickets[7], A_WHILE).await;
    let service = Service::start(&db).await;
    let plain = service.event(event.uuid).await;
    assert!(plain.headers().get("content-encoding").is_none());
    assert_eq!(plain.headers()["vary"], "accept-encoding");
    let plain = plain.bytes().await.unwrap();
    let packed = service.ask(Method::GET, event.uuid, &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["vary"], "accept-encoding");
    assert_eq!(packed.headers()["content-type"], "application/json");
    let packed = packed.bytes().await.unwrap();
    assert!(packed.len() < plain.len() / 2);
    let mut unpacked = Vec::new();
    GzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
}

#[tokio::test]
async fn a_page_is_not_packed_for_clients_that_refuse_it_or_when_it_is_small() {
    let db = TestDatabase::create().await;
    let ((large, _), (small, _)) = (given_an_event(&db, 100).await, given_an_event(&db, 1).await);
    let service = Service::start(&db).await;
    for (event, encoding) in [(&large, "gzip;q=0"), (&large, "br"), (&large, "*;q=0"), (&small, "gzip")] {
        let page = service.ask(Method::GET, event.uuid, &[("accept-encoding", encoding)]).await;
        assert!(page.headers().get("content-encoding").is_none(), "{encoding}");
    }
}

/// Other bytes need another strong tag: a client could otherwise put pieces of both together.
#[tokio::test]
async fn the_packed_page_has_a_tag_of_its_own() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 100).await;
    let service = Service::start(&db).await;
    let plain = service.etag(event.uuid).await;
    let packed = service.ask(Method::GET, event.uuid, &[("accept-encoding", "gzip")]).await;
    let packed = packed.headers()["etag"].to_str().unwrap().to_owned();
    assert_ne!(plain, packed);
    for (encoding, has, expected) in [
        ("gzip", &packed, StatusCode::NOT_MODIFIED),
        ("identity", &plain, StatusCode::NOT_MODIFIED),
        ("gzip", &plain, StatusCode::OK),
        ("identity", &packed, StatusCode::OK),
    ] {
        let headers = [("accept-encoding", encoding), ("if-none-match", &**has)];
        assert_eq!(service.ask(Method::GET, event.uuid, &headers).await.status(), expected, "{encoding} {has}");
    }
}

#[tokio::test]
async fn a_page_is_made_and_packed_once_for_all_clients_that_see_the_same() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 100).await;
    let service = Service::start(&db).await;
    for _ in 0..3 {
        let answers = (0..20).map(|_| service.ask(Method::GET, event.uuid, &[("accept-encoding", "gzip")]));
        assert!(join_all(answers).await.iter().all(|answer| answer.status() == StatusCode::OK));
    }
    for form in ["plain", "gzip"] {
        assert_eq!(service.metric(&format!("event_renderings_total{{form=\"{form}\"}}")).await, 1, "{form}");
    }
    assert_eq!(service.metric("event_pages_total{status=\"200\"}").await, 60);
}
