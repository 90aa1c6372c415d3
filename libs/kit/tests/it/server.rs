//! The HTTP server's limits and answers, over real connections.

use std::time::{Duration, Instant};

use axum::routing::{get, post};
use kit::{
    health::Health,
    http::{self, Json},
    metrics::Metrics,
    settings::{Environment, ServerSettings},
};
use serde_json::{Value, json};
use testbed::Replica;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};
use utoipa_axum::router::OpenApiRouter;

static HANDLER_ENTERED: Notify = Notify::const_new();
static HANDLER_MAY_ANSWER: Notify = Notify::const_new();

async fn start() -> Replica {
    let mut env = Environment::from_pairs([
        ("SERVER_READ_TIMEOUT", "1"),
        ("SERVER_WRITE_TIMEOUT", "1"),
        ("SERVER_CTX_TIMEOUT", "2"),
        ("SERVER_MAX_HEADER_BYTES", "8192"),
    ]);
    let settings = ServerSettings::read(&mut env, ":0");
    let settings = env.finish(settings).unwrap();
    let routes = OpenApiRouter::new()
        .route("/echo", post(async |Json(value): Json<Value>| axum::Json(value)))
        .route(
            "/panic",
            get(async || {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .route("/hang", get(std::future::pending::<()>))
        .route("/large", get(async || vec![0_u8; 64 << 20]))
        .route(
            "/wait",
            get(async || {
                HANDLER_ENTERED.notify_one();
                HANDLER_MAY_ANSWER.notified().await;
                "answered"
            }),
        );
    let health = Health::builder().build();
    let router = http::app(routes, &settings, &health, &Metrics::new().unwrap());
    Replica::start(
        |listener, shutdown| async move { http::serve(listener, &settings, router, &health, shutdown).await },
    )
    .await
}

async fn error_of(response: reqwest::Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn unknown_routes_and_methods_answer_in_json() {
    let server = start().await;
    let (status, body) = error_of(reqwest::get(format!("{}/nowhere", server.url)).await.unwrap()).await;
    assert_eq!((status, body), (404, json!({"error": "not_found", "message": "Not found"})));
    let (status, body) = error_of(reqwest::get(format!("{}/echo", server.url)).await.unwrap()).await;
    assert_eq!((status, &body["error"]), (405, &json!("method_not_allowed")));
}

#[tokio::test]
async fn a_body_that_is_not_json_or_too_large_answers_400() {
    let server = start().await;
    let ten_megabytes = format!("\"{}\"", "x".repeat(10 << 20));
    for body in [String::new(), "{".to_owned(), ten_megabytes] {
        let length = body.len();
        let response = reqwest::Client::new().post(format!("{}/echo", server.url)).body(body).send().await.unwrap();
        let (status, body) = error_of(response).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_request_payload")), "{length} bytes");
    }
}

#[tokio::test]
async fn a_body_that_trickles_in_answers_408_at_the_read_timeout() {
    let server = start().await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n").await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let trickle = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            if writer.write_all(b" ").await.is_err() {
                return;
            }
        }
    });
    let started = Instant::now();
    let mut answer = vec![0; 4096];
    let length = reader.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    trickle.abort();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
    assert!(started.elapsed() >= Duration::from_millis(900), "cut off too early: {:?}", started.elapsed());
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off_at_the_read_timeout() {
    let server = start().await;
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let trickle = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        for byte in b"GET /echo HTTP/1.1\r\nx: ".iter().chain(std::iter::repeat(&b'y')) {
            tick.tick().await;
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    });
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), reader.read_to_end(&mut answer)).await;
    trickle.abort();
    assert!(ended.is_ok(), "the connection was still open after 20 s");
}

#[tokio::test]
async fn a_client_that_sends_nothing_or_an_incomplete_head_is_cut_off_at_the_read_timeout() {
    let server = start().await;
    for sent in ["", "P", "PRI * HTTP/2.0"] {
        let mut stream = TcpStream::connect(server.addr).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection was still open 20 s after {sent:?}");
    }
}

#[tokio::test]
async fn a_head_above_the_limit_answers_431() {
    let server = start().await;
    let request = reqwest::Client::new().get(format!("{}/echo", server.url)).header("x-large", "y".repeat(20_000));
    assert_eq!(request.send().await.unwrap().status(), 431);
}

#[tokio::test]
async fn the_connection_of_a_client_that_does_not_read_its_answer_ends() {
    let server = start().await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    stream.readable().await.unwrap();
    // The drain waits 20 s for requests under way. The write timeout of 1 s must end this one long before.
    let ended = tokio::time::timeout(Duration::from_secs(10), server.stop()).await;
    assert!(ended.is_ok(), "the server still waits for a client that reads nothing");
}

#[tokio::test]
async fn a_panic_answers_500_and_a_hanging_handler_503() {
    let server = start().await;
    let (status, body) = error_of(reqwest::get(format!("{}/panic", server.url)).await.unwrap()).await;
    assert_eq!((status, &body["error"]), (500, &json!("internal_server_error")));
    let response = reqwest::get(format!("{}/hang", server.url)).await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(error_of(response).await.0, 503);
}

#[tokio::test]
async fn requests_under_way_are_answered_after_shutdown_began() {
    let server = start().await;
    let request = tokio::spawn(reqwest::get(format!("{}/wait", server.url)));
    HANDLER_ENTERED.notified().await;
    let addr = server.addr;
    let answered = async {
        HANDLER_MAY_ANSWER.notify_one();
        request.await.unwrap().unwrap().text().await.unwrap()
    };
    // The first is polled first: the shutdown begins before the handler may answer.
    let ((), answer) = tokio::join!(server.stop(), answered);
    assert_eq!(answer, "answered");
    assert!(TcpStream::connect(addr).await.is_err(), "it still accepts");
}

#[tokio::test]
async fn metrics_name_the_route_and_never_the_path() {
    let server = start().await;
    reqwest::get(format!("{}/some/path/of/a/client", server.url)).await.unwrap();
    let text = reqwest::get(format!("{}/metrics", server.url)).await.unwrap().text().await.unwrap();
    assert!(text.contains(r#"http_requests_total{method="GET",route="unknown",status="404"} 1"#), "{text}");
    assert!(!text.contains("client"), "{text}");
}
