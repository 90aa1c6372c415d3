//! Streams of the changes of an event's seats.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures::future::join_all;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use testbed::{TestDatabase, given};

use crate::service::{A_WHILE, Service, execute, given_an_event, hold, release, sell};

/// The longest wait for a message before the test fails.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time of several reads of a watcher.
const SOME_LOOKS: Duration = Duration::from_secs(1);

/// The stream of one client.
struct Listener {
    response: Response,
    text: String,
}

/// An event of the stream.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    name: String,
    id: String,
    /// Ticket → status.
    statuses: BTreeMap<String, String>,
}

impl Listener {
    async fn open(service: &Service, event: &given::Event, headers: &[(&str, &str)]) -> Self {
        let response = service.ask(Method::GET, &format!("{}/seats/stream", event.uuid), headers).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    async fn from_the_start(service: &Service, event: &given::Event) -> (Self, Message) {
        let mut listener = Self::open(service, event, &[]).await;
        let snapshot = listener.next().await.unwrap();
        assert_eq!(snapshot.name, "snapshot");
        (listener, snapshot)
    }

    async fn after(service: &Service, event: &given::Event, id: &str) -> Self {
        Self::open(service, event, &[("last-event-id", id)]).await
    }

    /// The next event, and `None` at the end of the stream.
    async fn next(&mut self) -> Option<Message> {
        loop {
            let Some((block, rest)) = self.text.split_once("\n\n") else {
                let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.unwrap();
                self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
                continue;
            };
            let fields: BTreeMap<_, _> = block.lines().filter_map(|line| line.split_once(": ")).collect();
            let piece = fields.get("event").map(|name| Message {
                name: (*name).to_owned(),
                id: fields.get("id").copied().unwrap_or_default().to_owned(),
                statuses: statuses(fields["data"]),
            });
            assert!(piece.is_some() || block == ":" || fields.contains_key("retry"), "{block}");
            self.text = rest.to_owned();
            if piece.is_some() {
                return piece;
            }
        }
    }

    /// The statuses in the next event, which must have the seats that changed.
    async fn changes(&mut self) -> BTreeMap<String, String> {
        let piece = self.next().await.unwrap();
        assert_eq!(piece.name, "seats");
        piece.statuses
    }
}

fn statuses(data: &str) -> BTreeMap<String, String> {
    let data: Value = serde_json::from_str(data).unwrap();
    let tickets = data["tickets"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    tickets.iter().map(|ticket| (text(&ticket["uuid"]), text(&ticket["status"]))).collect()
}

fn of(ticket: &given::Ticket, status: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(ticket.uuid.to_string(), status.to_owned())])
}

#[tokio::test]
async fn a_stream_shows_a_hold_its_end_and_a_sale_in_this_order() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 3).await;
    let service = Service::start(&db).await;
    let (mut listener, snapshot) = Listener::from_the_start(&service, &event).await;
    assert_eq!(snapshot.statuses.len(), 3);
    assert!(snapshot.statuses.values().all(|status| status == "available"));

    let user = hold(&event, &tickets[1], A_WHILE).await;
    assert_eq!(listener.changes().await, of(&tickets[1], "reserved"));
    release(&event, &tickets[1], user).await;
    assert_eq!(listener.changes().await, of(&tickets[1], "available"));
    hold(&event, &tickets[2], Duration::from_secs(1)).await;
    assert_eq!(listener.changes().await, of(&tickets[2], "reserved"));
    assert_eq!(listener.changes().await, of(&tickets[2], "available"), "the hold ran out");
    let user = hold(&event, &tickets[0], A_WHILE).await;
    assert_eq!(listener.changes().await, of(&tickets[0], "reserved"));
    sell(&db.pool, &[tickets[0].uuid]).await;
    release(&event, &tickets[0], user).await;
    assert_eq!(listener.changes().await, of(&tickets[0], "booked"));
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_changed_since() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 3).await;
    let service = Service::start(&db).await;
    let (listener, snapshot) = Listener::from_the_start(&service, &event).await;
    drop(listener);
    hold(&event, &tickets[1], A_WHILE).await;
    let mut back = Listener::after(&service, &event, &snapshot.id).await;
    let missed = back.next().await.unwrap();
    assert_eq!((&*missed.name, &missed.statuses), ("seats", &of(&tickets[1], "reserved")));

    // A client that missed nothing gets nothing until something changes.
    let mut back = Listener::after(&service, &event, &missed.id).await;
    hold(&event, &tickets[2], A_WHILE).await;
    assert_eq!(back.changes().await, of(&tickets[2], "reserved"));
}

#[tokio::test]
async fn a_client_with_an_unknown_id_gets_all_seats() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 2).await;
    let service = Service::start(&db).await;
    let piece = Listener::after(&service, &event, "unknown").await.next().await.unwrap();
    assert_eq!((&*piece.name, piece.statuses.len()), ("snapshot", 2));
}

/// An id names a state by its content, so any replica that shows the state knows its id.
#[tokio::test]
async fn a_client_that_comes_back_to_another_replica_and_missed_nothing_gets_nothing() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2).await;
    let replicas = [Service::start(&db).await, Service::start(&db).await];
    let (listener, snapshot) = Listener::from_the_start(&replicas[0], &event).await;
    drop(listener);
    let mut back = Listener::after(&replicas[1], &event, &snapshot.id).await;
    hold(&event, &tickets[0], A_WHILE).await;
    assert_eq!(back.changes().await, of(&tickets[0], "reserved"));
}

#[tokio::test]
async fn a_new_ticket_brings_a_snapshot_of_all() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 2).await;
    let service = Service::start(&db).await;
    let (mut listener, _) = Listener::from_the_start(&service, &event).await;
    execute(&db.pool, "INSERT INTO tickets (event_id, price, seat) SELECT id, 5, 'New' FROM events").await;
    let piece = listener.next().await.unwrap();
    assert_eq!((&*piece.name, piece.statuses.len()), ("snapshot", 3));
}

#[tokio::test]
async fn a_stream_ends_with_its_event() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 2).await;
    let service = Service::start(&db).await;
    let (mut listener, _) = Listener::from_the_start(&service, &event).await;
    execute(&db.pool, "DELETE FROM events").await;
    assert_eq!(listener.next().await.unwrap().name, "end");
    assert_eq!(listener.next().await, None);
    for uuid in [&event.uuid.to_string(), "nonsense"] {
        let answer = service.ask(Method::GET, &format!("{uuid}/seats/stream"), &[]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(answer.json::<Value>().await.unwrap()["error"], "event_not_found");
    }
}

#[tokio::test]
async fn beyond_the_limit_a_stream_is_refused_until_another_ends() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 1).await;
    let service = Service::start_set(&db, "SEAT_STREAMS_MAX", "1").await;
    let (listener, _) = Listener::from_the_start(&service, &event).await;
    let refused = service.ask(Method::GET, &format!("{}/seats/stream", event.uuid), &[]).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.json::<Value>().await.unwrap()["error"], "too_many_streams");
    assert_eq!(service.metric("event_seat_streams_open").await, 1);
    drop(listener);
    service.metric_is("event_seat_streams_open", 0).await;
    Listener::from_the_start(&service, &event).await;
}

#[tokio::test]
async fn streams_end_at_once_when_the_server_drains() {
    let db = TestDatabase::create().await;
    let (event, _) = given_an_event(&db, 1).await;
    let service = Service::start(&db).await;
    let (mut listener, _) = Listener::from_the_start(&service, &event).await;
    let started = Instant::now();
    service.end().await;
    assert!(started.elapsed() < Duration::from_secs(5), "the drain waited for a stream: {:?}", started.elapsed());
    assert_eq!(listener.next().await, None);
}

#[tokio::test]
async fn a_stream_is_neither_cut_by_the_limit_for_answers_nor_packed() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 100).await;
    let service = Service::start_set(&db, "SERVER_CTX_TIMEOUT", "1").await;
    let mut listener = Listener::open(&service, &event, &[("accept-encoding", "gzip")]).await;
    assert!(listener.response.headers().get("content-encoding").is_none());
    assert_eq!(listener.next().await.unwrap().name, "snapshot");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    hold(&event, &tickets[0], A_WHILE).await;
    assert_eq!(listener.changes().await, of(&tickets[0], "reserved"));
}

#[tokio::test]
async fn many_listeners_cost_as_many_reads_as_one_and_no_listener_costs_none() {
    let db = TestDatabase::create().await;
    let (event, tickets) = given_an_event(&db, 2).await;
    let service = Service::start(&db).await;
    let mut listeners: Vec<_> = join_all((0..20).map(|_| Listener::from_the_start(&service, &event)))
        .await
        .into_iter()
        .map(|(it, _)| it)
        .collect();
    let before = service.metric("event_seat_reads_total").await;
    tokio::time::sleep(SOME_LOOKS).await;
    let reads = service.metric("event_seat_reads_total").await - before;
    assert!((1..=5).contains(&reads), "{reads}");
    hold(&event, &tickets[0], A_WHILE).await;
    for received in join_all(listeners.iter_mut().map(Listener::changes)).await {
        assert_eq!(received, of(&tickets[0], "reserved"));
    }

    drop(listeners);
    service.metric_is("event_seat_streams_open", 0).await;
    // At most the read under way.
    tokio::time::sleep(SOME_LOOKS / 2).await;
    let before = service.metric("event_seat_reads_total").await;
    tokio::time::sleep(SOME_LOOKS).await;
    assert_eq!(service.metric("event_seat_reads_total").await, before);
}
