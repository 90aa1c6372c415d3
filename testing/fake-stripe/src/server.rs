//! HTTP: from a request to an answer, or to none.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::Value;
use thiserror::Error;
use tokio::time::sleep;

use crate::{
    account::{Account, route},
    answer::Refusal,
    call::Call,
    faults::{Fault, Faults},
    form::Form,
    keys::{Answer, Keys},
    webhooks::Webhooks,
};

/// A server that is not told to answer sooner lets a client wait for no longer than this.
const LONGEST_ANSWER: Duration = Duration::from_secs(600);

/// The connection ends without an answer.
#[derive(Debug, Error)]
#[error("the connection is lost")]
pub(crate) struct Lost;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    pub secret_key: String,
    pub books: Mutex<Books>,
    pub webhooks: Webhooks,
}

/// Everything that is written down.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub account: Account,
    pub keys: Keys,
    pub faults: Faults,
    pub calls: BTreeMap<Call, u64>,
}

/// A request that was understood.
#[derive(Clone)]
struct Understood {
    call: Call,
    id: String,
    form: Form,
    key: Option<String>,
}

impl Server {
    /// Answers, unless a planned fault says otherwise.
    pub(crate) async fn handle(
        self: std::sync::Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Lost> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
        let understood = match self.understand(&head.method, head.uri.path(), &head.headers, &body) {
            Ok(understood) => understood,
            Err(refusal) => return Ok(response((refusal.status, refusal.body()), false)),
        };
        let fault = self.count(understood.call);
        let refusal = match fault {
            Some(Fault::RequestLost) => return Err(Lost),
            Some(Fault::ServerError) => Some(Refusal::server_error()),
            Some(Fault::RateLimited) => Some(Refusal::rate_limited()),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Ok(response((refusal.status, refusal.body()), false));
        }
        // A task of its own: what was begun takes effect although the client went away.
        let server = self.clone();
        let done = tokio::spawn(async move { server.execute(understood, fault).await }).await;
        let (answer, replayed) = done.map_err(|_| Lost)?;
        match fault {
            Some(Fault::AnswerLost) => return Err(Lost),
            Some(Fault::SlowAnswer(pause)) => sleep(pause.min(LONGEST_ANSWER)).await,
            _ => {}
        }
        Ok(response(answer, replayed))
    }

    fn understand(&self, method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Result<Understood, Refusal> {
        self.authenticate(text(headers, header::AUTHORIZATION.as_str()))?;
        let (call, id) = route(method, path).ok_or_else(|| Refusal::unknown_call(method, path))?;
        let kind = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
        if !body.is_empty() && !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Refusal::senseless(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
            ));
        }
        let key = text(headers, "idempotency-key").filter(|_| !call.reads()).map(str::to_owned);
        Ok(Understood { call, id, form: Form::parse(body), key })
    }

    fn authenticate(&self, authorization: Option<&str>) -> Result<(), Refusal> {
        match authorization.and_then(|value| value.strip_prefix("Bearer ")) {
            Some(key) if key == self.secret_key => Ok(()),
            Some(_) => Err(Refusal::unauthorized("Invalid API Key provided: sk_test_****")),
            None => Err(Refusal::unauthorized(
                "You did not provide an API key. You need to provide your API key in the Authorization header, \
                 using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            )),
        }
    }

    fn count(&self, call: Call) -> Option<Fault> {
        let mut books = self.books.lock().expect("no panic");
        *books.calls.entry(call).or_default() += 1;
        books.faults.draw(call)
    }

    /// The answer, and whether it is a repeat of an earlier one.
    async fn execute(&self, request: Understood, fault: Option<Fault>) -> (Answer, bool) {
        if let Some(key) = &request.key {
            let begun = (request.call, request.id.clone(), request.form.clone());
            match self.books.lock().expect("no panic").keys.begin(key, begun) {
                Ok(None) => {}
                Ok(Some(answer)) => return (answer, true),
                Err(refusal) => return ((refusal.status, refusal.body()), false),
            }
        }
        if let Some(Fault::SlowEffect(pause)) = fault {
            sleep(pause.min(LONGEST_ANSWER)).await;
        }
        (self.perform(&request, fault == Some(Fault::ServerErrorForGood)), false)
    }

    fn perform(&self, request: &Understood, fails: bool) -> Answer {
        let mut books = self.books.lock().expect("no panic");
        let outcome = if fails {
            Err(Refusal::server_error().for_good())
        } else {
            books.account.perform(request.call, &request.id, &request.form)
        };
        let kept = outcome.as_ref().err().is_none_or(|refusal| refusal.kept);
        let answer: Answer = match outcome {
            Ok(object) => (StatusCode::OK, object),
            Err(refusal) => (refusal.status, refusal.body()),
        };
        if let Some(key) = &request.key {
            books.keys.finish(key, kept.then(|| answer.clone()));
        }
        self.tell(&mut books);
        answer
    }

    /// Sends what happened to the shop.
    pub(crate) fn tell(&self, books: &mut Books) {
        self.webhooks.send(std::mem::take(&mut books.account.events));
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
