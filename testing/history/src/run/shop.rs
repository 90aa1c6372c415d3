//! The HTTP client of the customers. It records every request with its answer.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use testbed::Process;

use super::{clock::Recorder, market::EventOnSale, platform::Platform};
use crate::history::{Call, Operation, Outcome};

/// The time limit of a request: shorter than the longest pause of a replica, so that some clients give up.
const PATIENCE: Duration = Duration::from_secs(4);
/// The services close connections that are idle for their read timeout of 5 s; the client closes them earlier.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) struct Shop {
    pub recorder: Arc<Recorder>,
    client: Client,
    booking: Vec<(String, String)>,
    event_management: Vec<(String, String)>,
}

/// The subject of a request.
pub(crate) struct About<'a> {
    pub customer: &'a str,
    pub call: Call,
    pub tickets: &'a [String],
    pub order: Option<&'a str>,
}

/// An answer. Its outcome is `None` when the request reached no server.
pub(crate) struct Answer {
    pub outcome: Option<Outcome>,
    pub body: Value,
}

impl Shop {
    pub(crate) fn new(platform: &Platform, recorder: Arc<Recorder>) -> Result<Self> {
        let client = Client::builder().timeout(PATIENCE).pool_idle_timeout(IDLE_TIMEOUT).build()?;
        let named = |service: &str, processes: &[Process]| {
            let numbered = (1..).zip(processes);
            numbered.map(|(number, process)| (format!("{service}-{number}"), process.url.clone())).collect()
        };
        Ok(Self {
            recorder,
            client,
            booking: named("booking", &platform.booking),
            event_management: named("event-management", &platform.event_management),
        })
    }

    pub(crate) async fn reserve(&self, about: About<'_>, replica: usize) -> Answer {
        let body = json!({"ticket_uuid": about.tickets[0], "user_uuid": about.customer});
        self.post(about, replica, "tickets/reserve", body).await
    }

    pub(crate) async fn confirm(&self, about: About<'_>, replica: usize, method: &str) -> Answer {
        let body = json!({"ticket_uuid": about.tickets[0], "user_uuid": about.customer, "payment_method_uuid": method});
        self.post(about, replica, "tickets/confirm", body).await
    }

    pub(crate) async fn post(&self, about: About<'_>, replica: usize, path: &str, body: Value) -> Answer {
        let (name, base) = &self.booking[replica];
        let request = self.client.post(format!("{base}/api/v1/booking/{path}")).json(&body);
        self.ask(about, name, request).await
    }

    /// Orders under an idempotency key, so that a repeat does nothing twice.
    pub(crate) async fn order(&self, about: About<'_>, replica: usize, key: &str, body: &Value) -> Answer {
        let (name, base) = &self.booking[replica];
        let request =
            self.client.post(format!("{base}/api/v1/booking/orders")).header("idempotency-key", key).json(body);
        self.ask(about, name, request).await
    }

    pub(crate) async fn get(&self, about: About<'_>, replica: usize, path: &str) -> Answer {
        let (name, base) = &self.booking[replica];
        self.ask(about, name, self.client.get(format!("{base}/api/v1/booking/{path}"))).await
    }

    pub(crate) async fn delete(&self, about: About<'_>, replica: usize, path: &str) -> Answer {
        let (name, base) = &self.booking[replica];
        self.ask(about, name, self.client.delete(format!("{base}/api/v1/booking/{path}"))).await
    }

    /// Sends a request that is not recorded, because it sells nothing.
    pub(crate) async fn prepare(&self, replica: usize, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/api/v1/booking/{path}", self.booking[replica].1);
        Ok(self.client.post(url).json(body).send().await?.error_for_status()?.json().await?)
    }

    async fn ask(&self, about: About<'_>, at: &str, request: RequestBuilder) -> Answer {
        let start_us = self.recorder.now_us();
        let answered = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                response.bytes().await.map(|body| (status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
            }
            Err(error) => Err(error),
        };
        let end_us = self.recorder.now_us();
        if answered.as_ref().is_err_and(reqwest::Error::is_connect) {
            self.recorder.not_sent();
            return Answer { outcome: None, body: Value::Null };
        }
        let (status, body) = answered.map_or((None, Value::Null), |(status, body)| (Some(status), body));
        let outcome = outcome(about.call, status, &body);
        let order = about.order.or_else(|| body["order_uuid"].as_str()).map(str::to_owned);
        self.recorder.operation(Operation {
            customer: about.customer.to_owned(),
            call: about.call,
            tickets: about.tickets.to_vec(),
            order,
            at: at.to_owned(),
            start_us,
            end_us,
            outcome,
            status,
        });
        Answer { outcome: Some(outcome), body }
    }

    /// Reads an event's page and returns the tickets that it shows as booked.
    pub(crate) async fn page(&self, event: &EventOnSale, replica: usize) -> Vec<String> {
        let (name, base) = &self.event_management[replica];
        let start_us = self.recorder.now_us();
        let request = self.client.get(format!("{base}/api/v1/management/events/{}", event.uuid));
        let answered = async {
            let response = request.send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.json::<Value>().await?))
        };
        let Ok((status, page)) = answered.await else {
            // Reading a page has no effect, so without an answer there is nothing to check.
            self.recorder.not_sent();
            return vec![];
        };
        let end_us = self.recorder.now_us();
        let with_status = |status: &str| {
            let tickets = page["tickets"].as_array().into_iter().flatten();
            let fitting = tickets.filter(|ticket| ticket["status"] == status);
            fitting.filter_map(|ticket| ticket["uuid"].as_str().map(str::to_owned)).collect()
        };
        self.recorder.operation(Operation {
            customer: "visitor".to_owned(),
            call: Call::Page,
            tickets: with_status("available"),
            order: None,
            at: name.clone(),
            start_us,
            end_us,
            outcome: if status == 200 { Outcome::Ok } else { Outcome::Unknown },
            status: Some(status),
        });
        with_status("booked")
    }
}

/// What an answer says about the effect of its request. 503 and unexpected answers leave it open, as no answer does.
fn outcome(call: Call, status: Option<u16>, body: &Value) -> Outcome {
    match (status, call) {
        (Some(200 | 201), Call::Order | Call::Look) => match body["state"].as_str() {
            Some("booked") => Outcome::Ok,
            Some("pending" | "paying") => Outcome::Pending,
            _ => Outcome::Refused,
        },
        (Some(202), _) => Outcome::Pending,
        (Some(200..300), _) => Outcome::Ok,
        (Some(402), _) if body["error"] == "payment_requires_action" => Outcome::Pending,
        (Some(402), _) => Outcome::Declined,
        (Some(400..500), _) => Outcome::Refused,
        _ => Outcome::Unknown,
    }
}

/// The string under this name in an answer.
pub(crate) fn text(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().map(str::to_owned)
}
