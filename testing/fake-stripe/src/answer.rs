//! The bodies of answers: objects and errors in Stripe's form.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The outcome of a call: the body with its object, or an error.
pub(crate) type Outcome = Result<Value, ApiError>;

/// An error of Stripe's API.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    /// Whether a repeat under the same idempotency key gets the same error. Stripe keeps an answer once the endpoint has
    /// begun to execute. A call that failed validation has not begun.
    pub kept: bool,
    fields: Map<String, Value>,
}

/// The object as Stripe's API writes it.
pub(crate) fn to_json(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("an object of ours is JSON")
}

impl ApiError {
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

    fn not_kept(mut self) -> Self {
        self.kept = false;
        self
    }

    /// A parameter is missing or invalid.
    pub(crate) fn parameter(code: &str, name: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, Some(code), message).with("param", name).not_kept()
    }

    /// The request is invalid, and Stripe has no code for why.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, None, message)
    }

    /// The request is invalid in the present state of its object.
    pub(crate) fn invalid_state(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID_REQUEST, Some(code), message)
    }

    /// There is no object of this kind with this id.
    pub(crate) fn missing(kind: &str, id: &str) -> Self {
        let message = format!("No such {kind}: '{id}'");
        Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, Some("resource_missing"), message).with("param", kind)
    }

    /// There is no call with this method and path.
    pub(crate) fn unknown_call(method: &http::Method, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        Self::new(StatusCode::NOT_FOUND, INVALID_REQUEST, None, message).not_kept()
    }

    /// The API key is missing or wrong.
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, INVALID_REQUEST, None, message).not_kept()
    }

    /// The card's bank declines.
    pub(crate) fn declined(decline_code: &str) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", Some("card_declined"), "Your card was declined.")
            .with("decline_code", decline_code)
    }

    /// The payment intent's status does not allow this call.
    pub(crate) fn unexpected_state(message: impl Into<String>) -> Self {
        Self::invalid_state("payment_intent_unexpected_state", message)
    }

    /// The error shows the payment intent that it is about.
    pub(crate) fn about(self, intent: &impl Serialize) -> Self {
        self.with("payment_intent", to_json(intent))
    }

    /// The idempotency key belongs to a request with other parameters.
    pub(crate) fn key_reused() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters they were first used with. \
                       Try using a key other than the one you used before if you meant to execute a different request.";
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", None, message).not_kept()
    }

    /// The idempotency key belongs to a request that is still being executed.
    pub(crate) fn key_in_use() -> Self {
        let message = "There is currently another in-progress request using this idempotency key.";
        Self::new(StatusCode::CONFLICT, "idempotency_error", Some("idempotency_key_in_use"), message).not_kept()
    }

    /// Too many requests.
    pub(crate) fn rate_limited() -> Self {
        let message = "Request rate limit exceeded.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, INVALID_REQUEST, Some("rate_limit"), message).not_kept()
    }

    /// Stripe itself failed.
    pub(crate) fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", None, "An unknown error occurred").not_kept()
    }

    /// Every repeat under the request's idempotency key gets this error.
    pub(crate) fn kept_for_repeats(mut self) -> Self {
        self.kept = true;
        self
    }

    /// The error's fields, as in `last_payment_error` of a payment intent.
    pub(crate) fn error(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    /// The answer's body.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.fields })
    }
}

const INVALID_REQUEST: &str = "invalid_request_error";
