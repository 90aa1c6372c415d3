//! Stripe's API, as far as tickets need it: a payment is authorized first and captured later.
//!
//! <https://docs.stripe.com/payments/place-a-hold-on-a-payment-method> and
//! <https://docs.stripe.com/api/idempotent_requests>. Each call that has an effect carries an idempotency key that
//! derives from the order, so that a repeat, also after a crash, has no second effect. Stripe keeps its own errors
//! under the key too. So the calls that cannot take effect twice anyway (capture, cancel and refund of the whole
//! amount) get another key with each of the worker's looks.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use ids::{OrderId, UserId};
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

/// The version of the API that the calls below are written for.
const API_VERSION: &str = "2025-09-30.clover";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Stripe's own clients wait for 80 s; a customer does not. The worker finds out what takes longer.
const TIMEOUT: Duration = Duration::from_secs(8);
/// How often a call is repeated at once after a broken connection or an error of the server.
const RETRIES: usize = 2;
const BEFORE_RETRY: Duration = Duration::from_millis(200);

/// A client of the API.
pub(crate) struct Stripe {
    http: Client,
    url: String,
    secret_key: String,
}

/// A payment at Stripe (`PaymentIntent`), as far as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Intent {
    /// Its name, `pi_…`.
    pub(crate) id: String,
    pub(crate) status: IntentStatus,
    /// What Stripe's client in the browser needs to go on with it.
    pub(crate) client_secret: Option<String>,
}

/// The states of a `PaymentIntent`: <https://docs.stripe.com/payments/paymentintents/lifecycle>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IntentStatus {
    /// The card was declined, or none was given.
    RequiresPaymentMethod,
    /// It was not confirmed.
    RequiresConfirmation,
    /// The customer must act (3-D Secure).
    RequiresAction,
    /// The outcome comes later.
    Processing,
    /// The money is set aside.
    RequiresCapture,
    /// It was ended.
    Canceled,
    /// The money was taken.
    Succeeded,
}

/// A call without a good answer.
#[derive(Debug, Error)]
pub(crate) enum StripeError {
    /// There was no answer, or none that can be read. Whether the call took effect is not known.
    #[error("no answer: {0}")]
    NoAnswer(#[from] reqwest::Error),
    /// Stripe refused, or failed.
    #[error("{status}: {kind}: {code}: {message}")]
    Refused {
        /// The status of the answer.
        status: StatusCode,
        /// The class of the error, such as `card_error`.
        kind: String,
        /// Its code, such as `card_declined`.
        code: String,
        /// For people.
        message: String,
        /// The payment it is about, if the answer names it.
        intent: Option<String>,
    },
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetails,
}

#[derive(Deserialize)]
struct ErrorDetails {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    payment_intent: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl StripeError {
    /// Whether the card was declined.
    pub(crate) fn is_decline(&self) -> bool {
        matches!(self, Self::Refused { status, kind, .. } if *status == StatusCode::PAYMENT_REQUIRED || kind == "card_error")
    }

    /// Whether the same call may succeed later: no answer, too many calls, an error of Stripe itself, a call under the
    /// same key that is not finished, and an API key that is not valid, which a person corrects.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::TOO_MANY_REQUESTS
                            | StatusCode::CONFLICT
                            | StatusCode::UNAUTHORIZED
                            | StatusCode::FORBIDDEN
                    )
            }
        }
    }

    /// The payment that the error is about.
    pub(crate) fn intent(&self) -> Option<&str> {
        match self {
            Self::NoAnswer(_) => None,
            Self::Refused { intent, .. } => intent.as_deref(),
        }
    }

    fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::NoAnswer(error) => error.is_connect() || error.is_request() && !error.is_timeout(),
            Self::Refused { status, .. } => status.is_server_error() || *status == StatusCode::CONFLICT,
        }
    }
}

/// What is to be authorized, and for which order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authorization<'a> {
    /// The order, from which the idempotency key derives.
    pub(crate) order: OrderId,
    /// In minor units of the currency.
    pub(crate) amount: i64,
    /// ISO 4217, lower case.
    pub(crate) currency: &'a str,
    /// Stripe's name of the customer.
    pub(crate) customer: &'a str,
    /// Stripe's name of the payment method.
    pub(crate) method: &'a str,
}

impl Stripe {
    /// A client of the API at this URL.
    pub(crate) fn new(url: String, secret_key: String) -> Result<Self, reqwest::Error> {
        let http = Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT).build()?;
        Ok(Self { http, url, secret_key })
    }

    /// Authorizes: sets the money aside.
    pub(crate) async fn authorize(&self, wanted: Authorization<'_>) -> Result<Intent, StripeError> {
        let (order, amount) = (wanted.order.to_string(), wanted.amount.to_string());
        let form = [
            ("amount", amount.as_str()),
            ("currency", wanted.currency),
            ("customer", wanted.customer),
            ("payment_method", wanted.method),
            ("payment_method_types[]", "card"),
            ("capture_method", "manual"),
            ("confirm", "true"),
            ("metadata[order_uuid]", &order),
        ];
        self.post("/v1/payment_intents", &format!("{order}:authorize"), &form).await
    }

    /// Looks at a payment.
    pub(crate) async fn intent(&self, intent: &str) -> Result<Intent, StripeError> {
        let url = format!("{}/v1/payment_intents/{intent}", self.url);
        let ask = || async { read(self.with_key(self.http.get(&url)).send().await?).await };
        ask.retry(pauses()).when(StripeError::is_worth_a_retry).await
    }

    /// Captures: takes the money that was set aside.
    pub(crate) async fn capture(&self, intent: &str, order: OrderId, look: i32) -> Result<Intent, StripeError> {
        self.post(&format!("/v1/payment_intents/{intent}/capture"), &format!("{order}:capture:{look}"), &[]).await
    }

    /// Cancels: lets go of the money that was set aside.
    pub(crate) async fn cancel(&self, intent: &str, order: OrderId, look: i32) -> Result<Intent, StripeError> {
        self.post(&format!("/v1/payment_intents/{intent}/cancel"), &format!("{order}:cancel:{look}"), &[]).await
    }

    /// Refunds all the money that was taken. A payment that is refunded already counts as refunded.
    pub(crate) async fn refund(&self, intent: &str, order: OrderId, look: i32) -> Result<(), StripeError> {
        let refunded: Result<Named, _> =
            self.post("/v1/refunds", &format!("{order}:refund:{look}"), &[("payment_intent", intent)]).await;
        match refunded {
            Err(StripeError::Refused { code, .. }) if code == "charge_already_refunded" => Ok(()),
            other => other.map(drop),
        }
    }

    /// Makes a customer for a user. Returns Stripe's name of the customer.
    pub(crate) async fn create_customer(&self, user: UserId) -> Result<String, StripeError> {
        let user = user.to_string();
        let form = [("metadata[user_uuid]", user.as_str())];
        let customer: Named = self.post("/v1/customers", &format!("{user}:customer"), &form).await?;
        Ok(customer.id)
    }

    /// Attaches a payment method to a customer, so that it can be used again. Returns Stripe's name of it, which
    /// differs from the one given for a test card. A method that is attached to another customer is refused.
    pub(crate) async fn attach(&self, method: &str, customer: &str) -> Result<String, StripeError> {
        let path = format!("/v1/payment_methods/{method}/attach");
        let attached: Named =
            self.post(&path, &format!("{method}:{customer}:attach"), &[("customer", customer)]).await?;
        Ok(attached.id)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, key: &str, form: &[(&str, &str)]) -> Result<T, StripeError> {
        let url = format!("{}{path}", self.url);
        let ask = || async {
            let request = self.with_key(self.http.post(&url)).header("idempotency-key", key).form(form);
            read(request.send().await?).await
        };
        ask.retry(pauses()).when(StripeError::is_worth_a_retry).await
    }

    fn with_key(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request.bearer_auth(&self.secret_key).header("stripe-version", API_VERSION)
    }
}

fn pauses() -> ConstantBuilder {
    ConstantBuilder::default().with_delay(BEFORE_RETRY).with_max_times(RETRIES)
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, StripeError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer.json().await?);
    }
    let details = answer.json::<ErrorBody>().await.map(|body| body.error);
    let details =
        details.unwrap_or(ErrorDetails { kind: String::new(), code: None, message: None, payment_intent: None });
    Err(StripeError::Refused {
        status,
        kind: details.kind,
        code: details.code.unwrap_or_default(),
        message: details.message.unwrap_or_default(),
        intent: details.payment_intent.map(|intent| intent.id),
    })
}

#[cfg(test)]
mod tests;
