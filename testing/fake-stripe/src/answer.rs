//! Answers in the form that Stripe gives them.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What a call comes to: the object it is about, or an error.
pub(crate) type Outcome = Result<Value, Refusal>;

/// An error of Stripe's API.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    /// Whether a repeat under the same idempotency key is answered with the same. Stripe keeps what an endpoint has
    /// begun to execute; what failed validation was never begun.
    pub kept: bool,
    fields: Map<String, Value>,
}

/// The object as Stripe shows it.
pub(crate) fn shown(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("an object of ours is JSON")
}

impl Refusal {
    fn new(status: StatusCode, kind: &str, code: Option<&str>, message: impl Into<String>) -> Self {
        let mut fields = Map::new();
        fields.insert("type".to_owned(), kind.into());
        fields.insert("message".to_owned(), message.into().into());
        if let Some(code) = code {
            fields.insert("code".to_owned(), code.into());
            fields.insert("doc_url".to_owned(), format!("https://stripe.com/docs/error-codes/{code}").into());
        }
        Self { status, kept: true, fields }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    fn never_begun(mut self) -> Self {
        self.kept = false;
        self
    }

    /// A parameter that cannot be read.
    pub(crate) fn parameter(code: &str, name: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, Some(code), message).with("param", name).never_begun()
    }

    /// A request that makes no sense, without a code of its own.
    pub(crate) fn senseless(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, None, message)
    }

    /// A request that makes no sense in the present state of what it is about.
    pub(crate) fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, Some(code), message)
    }

    /// No object of this kind has this id.
    pub(crate) fn missing(kind: &str, id: &str) -> Self {
        let message = format!("No such {kind}: '{id}'");
        Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, Some("resource_missing"), message).with("param", kind)
    }

    /// No call has this method and path.
    pub(crate) fn unknown_call(method: &http::Method, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, None, message).never_begun()
    }

    /// The key is missing or not ours.
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, INVALID_REQUEST, None, message).never_begun()
    }

    /// The card's bank says no.
    pub(crate) fn declined(decline_code: &str) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", Some("card_declined"), "Your card was declined.")
            .with("decline_code", decline_code)
    }

    /// The payment intent is in no state for this call.
    pub(crate) fn unexpected_state(message: impl Into<String>) -> Self {
        Self::conflict("payment_intent_unexpected_state", message)
    }

    /// The error shows the payment intent that it is about.
    pub(crate) fn about(self, intent: &impl Serialize) -> Self {
        self.with("payment_intent", shown(intent))
    }

    /// The idempotency key belongs to a request with other parameters.
    pub(crate) fn key_reused() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first used with. \
                       Try using a key other than the one you used before if you meant to execute a different request.";
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", None, message).never_begun()
    }

    /// The idempotency key belongs to a request that is being executed at this moment.
    pub(crate) fn key_in_use() -> Self {
        let message = "There is currently another in-progress request using this idempotency key.";
        Self::new(StatusCode::CONFLICT, "idempotency_error", Some("idempotency_key_in_use"), message).never_begun()
    }

    /// Too many requests.
    pub(crate) fn rate_limited() -> Self {
        let message = "Request rate limit exceeded.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, INVALID_REQUEST, Some("rate_limit"), message).never_begun()
    }

    /// A fault of Stripe's own.
    pub(crate) fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", None, "An unknown error occurred").never_begun()
    }

    /// The same for every repeat under the request's idempotency key.
    pub(crate) fn for_good(mut self) -> Self {
        self.kept = true;
        self
    }

    /// The error as `last_payment_error` of a payment intent and the answer's body have it.
    pub(crate) fn error(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    /// The answer's body.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.fields })
    }
}

const INVALID_REQUEST: &str = "invalid_request_error";
