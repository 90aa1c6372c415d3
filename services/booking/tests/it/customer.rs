//! A customer who wants a ticket.

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use testbed::{eventually, given::Ticket};
use uuid::Uuid;

#[derive(Clone)]
pub(crate) struct Customer {
    pub uuid: String,
    base: String,
    client: Client,
}

/// An answer, read to its end.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Customer {
    pub(crate) fn new(base: &str, client: Client) -> Self {
        Self { uuid: Uuid::new_v4().to_string(), base: base.to_owned(), client }
    }

    /// The same person at another replica.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) async fn reserve(&self, ticket: &Ticket) -> Answer {
        self.post("reserve", &json!({"ticket_uuid": ticket.uuid, "user_uuid": self.uuid})).await
    }

    pub(crate) async fn confirm(&self, ticket: &Ticket) -> Answer {
        let payment_method = Uuid::new_v4();
        let body = json!({"ticket_uuid": ticket.uuid, "user_uuid": self.uuid, "payment_method_uuid": payment_method});
        self.post("confirm", &body).await
    }

    /// Any call below the service's base.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.call_under_key(method, path, body, None).await
    }

    /// The same under an idempotency key.
    pub(crate) async fn call_under_key(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}/api/v1/booking/{path}", self.base));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        Answer::read(request.send().await.expect("an answer")).await
    }

    pub(crate) async fn post(&self, verb: &str, body: &Value) -> Answer {
        self.post_text(verb, body.to_string()).await
    }

    pub(crate) async fn post_text(&self, verb: &str, body: String) -> Answer {
        let request = self.client.post(format!("{}/api/v1/booking/tickets/{verb}", self.base));
        let request = request.header("content-type", "application/json").body(body);
        Answer::read(request.send().await.expect("an answer")).await
    }
}

/// Asks again while the answer is 503, as the contract tells clients to: on a machine that has too much to do, a store
/// may not answer in time. What the service could not say then, it must be able to say afterwards.
pub(crate) async fn insist<F: Future<Output = Answer>>(ask: impl Fn() -> F) -> Answer {
    eventually("an answer other than 503", async || {
        let answer = ask().await;
        if answer.status == 503 {
            answer.is_unavailable();
            return None;
        }
        Some(answer)
    })
    .await
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.map(|value| value.to_str().expect("text").to_owned());
        let text = response.text().await.expect("a body");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        Self { status, retry_after, body }
    }

    #[track_caller]
    pub(crate) fn is_ok(&self) {
        assert_eq!((self.status, &self.body), (200, &Value::Null), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn is_error(&self, status: StatusCode, code: &str, message: &str) {
        let expected = json!({"error": code, "message": message});
        assert_eq!((self.status, &self.body), (status.as_u16(), &expected), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn is_not_available(&self) {
        self.is_error(StatusCode::CONFLICT, "ticket_not_available", "Ticket is not available for reservation");
    }

    #[track_caller]
    pub(crate) fn is_not_reserved(&self) {
        self.is_error(StatusCode::CONFLICT, "ticket_not_reserved", "Ticket is not reserved for this user");
    }

    #[track_caller]
    pub(crate) fn is_unavailable(&self) {
        self.is_error(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Service is temporarily unavailable");
        let seconds = self.retry_after.as_ref().expect("a Retry-After header").parse::<u32>();
        assert!(seconds.is_ok_and(|seconds| seconds > 0), "{self:?}");
    }
}
