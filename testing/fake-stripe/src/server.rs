//! The HTTP server: from a request to an answer, or to a lost connection.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::Value;
use thiserror::Error;
use tokio::time::sleep;

use crate::{
    account::{Account, route},
    answer::ApiError,
    call::Call,
    faults::{Fault, Faults},
    form::Form,
    keys::{Answer, Keys},
    webhooks::Webhooks,
};

/// A planned fault makes a client wait for at most this time.
const LONGEST_ANSWER: Duration = Duration::from_secs(600);

/// The connection is closed without an answer.
#[derive(Debug, Error)]
#[error("the connection is closed without an answer")]
pub(crate) struct ConnectionError;

/// The state that all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    pub secret_key: String,
    pub state: Mutex<State>,
    pub webhooks: Webhooks,
}

/// Everything that changes while the fake runs.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub account: Account,
    pub keys: Keys,
    pub faults: Faults,
    pub calls: BTreeMap<Call, u64>,
}

#[derive(Clone)]
struct ParsedRequest {
    call: Call,
    id: String,
    form: Form,
    key: Option<String>,
}

impl Server {
    /// Answers a request, unless it meets a planned fault.
    pub(crate) async fn handle(
        self: std::sync::Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, ConnectionError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| ConnectionError)?.to_bytes();
        let parsed = match self.parse(&head.method, head.uri.path(), &head.headers, &body) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(response((error.status, error.body()), false)),
        };
        let fault = self.count(parsed.call);
        let error = match fault {
            Some(Fault::RequestLost) => return Err(ConnectionError),
            Some(Fault::ServerError) => Some(ApiError::server_error()),
            Some(Fault::RateLimited) => Some(ApiError::rate_limited()),
            _ => None,
        };
        if let Some(error) = error {
            return Ok(response((error.status, error.body()), false));
        }
        // A task of its own: a call that has begun takes effect even when the client goes away.
        let server = self.clone();
        let done = tokio::spawn(async move { server.execute(parsed, fault).await }).await;
        let (answer, replayed) = done.map_err(|_| ConnectionError)?;
        match fault {
            Some(Fault::AnswerLost) => return Err(ConnectionError),
            Some(Fault::SlowAnswer(pause)) => sleep(pause.min(LONGEST_ANSWER)).await,
            _ => {}
        }
        Ok(response(answer, replayed))
    }

    fn parse(&self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<ParsedRequest, ApiError> {
        self.authenticate(text(headers, header::AUTHORIZATION.as_str()))?;
        let (call, id) = route(method, path).ok_or_else(|| ApiError::unknown_call(method, path))?;
        let kind = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
        if !body.is_empty() && !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(ApiError::invalid_request(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
            ));
        }
        let key = text(headers, "idempotency-key").filter(|_| !call.reads()).map(str::to_owned);
        Ok(ParsedRequest { call, id, form: Form::parse(body), key })
    }

    fn authenticate(&self, authorization: Option<&str>) -> Result<(), ApiError> {
        match authorization.and_then(|value| value.strip_prefix("Bearer ")) {
            Some(key) if key == self.secret_key => Ok(()),
            Some(_) => Err(ApiError::unauthorized("Invalid API Key provided: sk_test_****")),
            None => Err(ApiError::unauthorized(
                "You did not provide an API key. You need to provide your API key in the Authorization header, \
                 using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            )),
        }
    }

    fn count(&self, call: Call) -> Option<Fault> {
        let mut state = self.state.lock().expect("no panic");
        *state.calls.entry(call).or_default() += 1;
        state.faults.draw(call)
    }

    /// Returns the answer, and whether it repeats an earlier one.
    async fn execute(&self, request: ParsedRequest, fault: Option<Fault>) -> (Answer, bool) {
        if let Some(key) = &request.key {
            let begun = (request.call, request.id.clone(), request.form.clone());
            match self.state.lock().expect("no panic").keys.begin(key, begun) {
                Ok(None) => {}
                Ok(Some(answer)) => return (answer, true),
                Err(error) => return ((error.status, error.body()), false),
            }
        }
        if let Some(Fault::SlowEffect(pause)) = fault {
            sleep(pause.min(LONGEST_ANSWER)).await;
        }
        (self.perform(&request, fault == Some(Fault::ServerErrorForGood)), false)
    }

    fn perform(&self, request: &ParsedRequest, fails: bool) -> Answer {
        let mut state = self.state.lock().expect("no panic");
        let outcome = if fails {
            Err(ApiError::server_error().kept_for_repeats())
        } else {
            state.account.perform(request.call, &request.id, &request.form)
        };
        let kept = outcome.as_ref().err().is_none_or(|error| error.kept);
        let answer: Answer = match outcome {
            Ok(object) => (StatusCode::OK, object),
            Err(error) => (error.status, error.body()),
        };
        if let Some(key) = &request.key {
            state.keys.finish(key, kept.then(|| answer.clone()));
        }
        self.send_events(&mut state);
        answer
    }

    /// Sends the recorded events to the shop.
    pub(crate) fn send_events(&self, state: &mut State) {
        self.webhooks.send(std::mem::take(&mut state.account.events));
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn response((status, body): (StatusCode, Value), replayed: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if replayed {
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}
