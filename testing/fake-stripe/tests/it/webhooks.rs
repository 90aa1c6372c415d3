//! Webhooks.

use std::{collections::HashMap, time::Duration};

use fake_stripe::{Delivery, WEBHOOK_SECRET};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use crate::client::Shop;

/// A webhook as the shop gets it.
struct Received {
    signature: String,
    body: Value,
}

/// The endpoint of a shop that receives webhooks. It refuses the first `refused` of them.
async fn listen(shop: &Shop, refused: usize) -> UnboundedReceiver<Received> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    shop.stripe.send_webhooks_to(vec![format!("http://{}/hook", listener.local_addr().expect("an address"))]);
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        let mut seen = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            let (head, body) = read_request(&mut stream).await;
            let status = if seen < refused { "503 Service Unavailable" } else { "200 OK" };
            seen += 1;
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("answered");
            if seen > refused {
                let signature = head["stripe-signature"].clone();
                let body = serde_json::from_str(&body).expect("JSON");
                let _ = sender.send(Received { signature, body });
            }
        }
    });
    receiver
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> (HashMap<String, String>, String) {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.expect("a request");
        text.push_str(std::str::from_utf8(&buffer[..count]).expect("text"));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let headers: HashMap<String, String> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        if body.len() == headers["content-length"].parse::<usize>().expect("a length") {
            return (headers, body.to_owned());
        }
    }
}

async fn kinds(received: &mut UnboundedReceiver<Received>, count: usize) -> Vec<String> {
    let mut kinds = vec![];
    while kinds.len() < count {
        let next = timeout(Duration::from_secs(10), received.recv()).await.expect("a webhook in time");
        let kind = next.expect("a webhook").body["type"].as_str().expect("a type").to_owned();
        kinds.push(kind.trim_start_matches("payment_intent.").to_owned());
    }
    kinds
}

#[tokio::test]
async fn each_change_is_told_and_signed() {
    let shop = Shop::open().await;
    let mut received = listen(&shop, 0).await;
    let id = shop.authorize("pm_card_visa_1").await.id();
    let first = received.recv().await.expect("a webhook");
    assert_eq!(first.body["data"]["object"]["id"], id);
    assert!(first.signature.starts_with("t=") && first.signature.contains(",v1="), "{}", first.signature);
    assert_eq!(kinds(&mut received, 1).await, ["amount_capturable_updated"]);
    shop.post(&format!("/v1/payment_intents/{id}/capture"), &[]).await;
    assert_eq!(kinds(&mut received, 1).await, ["succeeded"]);
    shop.post("/v1/refunds", &[("payment_intent", &id)]).await;
    assert_eq!(kinds(&mut received, 2).await, ["charge.refunded", "refund.created"]);
}

#[tokio::test]
async fn a_webhook_that_is_refused_comes_again() {
    let shop = Shop::open().await;
    let mut received = listen(&shop, 1).await;
    shop.authorize("pm_card_authenticationRequired_1").await;
    let mut kinds = kinds(&mut received, 2).await;
    kinds.sort();
    assert_eq!(kinds, ["created", "requires_action"]);
}

#[tokio::test]
async fn webhooks_come_twice_out_of_order_late_or_never() {
    let shop = Shop::open().await;
    let mut received = listen(&shop, 0).await;
    shop.stripe.set_delivery(Delivery::Duplicated);
    let id = shop.authorize("pm_card_visa_1").await.id();
    let twice = ["created", "created", "amount_capturable_updated", "amount_capturable_updated"];
    assert_eq!(kinds(&mut received, 4).await, twice);
    shop.stripe.set_delivery(Delivery::Dropped);
    shop.post(&format!("/v1/payment_intents/{id}/capture"), &[]).await;
    shop.stripe.set_delivery(Delivery::OutOfOrder);
    shop.authorize("pm_card_visa_2").await;
    assert_eq!(kinds(&mut received, 2).await, ["amount_capturable_updated", "created"]);
    shop.stripe.set_delivery(Delivery::Delayed(Duration::from_millis(20)));
    shop.authorize("pm_card_visa_3").await;
    assert_eq!(kinds(&mut received, 2).await, ["created", "amount_capturable_updated"]);
}

#[tokio::test]
async fn a_test_can_sign_an_event_itself() {
    let shop = Shop::open().await;
    let id = shop.authorize("pm_card_visa_1").await.id();
    let event = shop.stripe.event("payment_intent.succeeded", &id);
    let signed = event.signed(WEBHOOK_SECRET);
    assert_ne!(signed.signature, event.signed("whsec_other").signature);
    let body: Value = serde_json::from_str(&signed.body).expect("JSON");
    assert_eq!((&body["type"], &body["data"]["object"]["id"]), (&"payment_intent.succeeded".into(), &id.into()));
}
