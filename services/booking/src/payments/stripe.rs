//! Stripe's API, as far as tickets need it: the money is set aside first and taken later.
//!
//! <https://docs.stripe.com/payments/place-a-hold-on-a-payment-method> and
//! <https://docs.stripe.com/api/idempotent_requests>. Each call that has an effect carries an idempotency key that derives
//! from the order, so that repeating it, after a crash as well, has no second effect. A fault of Stripe's own is kept under the
//! key, so what cannot take effect twice anyway (taking, letting go of or giving back all of it) gets another key with each
//! of the worker's looks.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use ids::{OrderId, UserId};
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

/// The version of the API that the calls below are written for.
const API_VERSION: &str = "2025-09-30.clover";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Stripe's own clients wait for 80 s; a customer does not. What takes longer is found out by the worker.
const TIMEOUT: Duration = Duration::from_secs(8);
/// A call that met a broken connection or a server's fault is repeated at once, for a moment.
const RETRIES: usize = 2;
const BEFORE_RETRY: Duration = Duration::from_millis(200);

/// A client of the API.
pub struct Stripe {
    http: Client,
    url: String,
    secret_key: String,
}

/// A payment at Stripe (`PaymentIntent`), as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Intent {
    /// Its name, `pi_…`.
    pub id: String,
    /// How far it has come.
    pub status: IntentStatus,
    /// What Stripe's client in the browser needs to go on with it.
    pub client_secret: Option<String>,
}

/// The states of a `PaymentIntent`: <https://docs.stripe.com/payments/paymentintents/lifecycle>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentStatus {
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

/// Why a call had no good answer.
#[derive(Debug, Error)]
pub enum StripeError {
    /// There was no answer, or none that can be read. Whether the call had its effect is not known.
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
        /// The payment it is about, where the answer has it.
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
    #[must_use]
    pub fn is_decline(&self) -> bool {
        matches!(self, Self::Refused { status, kind, .. } if *status == StatusCode::PAYMENT_REQUIRED || kind == "card_error")
    }

    /// Whether the same call may well succeed later: no answer, too many calls, Stripe's own faults, a call under the same key
    /// that is not finished, and a key of ours that is not (or no longer) valid, which a person mends.
    #[must_use]
    pub fn is_transient(&self) -> bool {
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
    #[must_use]
    pub fn intent(&self) -> Option<&str> {
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

/// What is to be set aside, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Authorization<'a> {
    /// The order, from which the idempotency key derives.
    pub order: OrderId,
    /// In minor units of the currency.
    pub amount: i64,
    /// ISO 4217, lower case.
    pub currency: &'a str,
    /// Stripe's name of the customer.
    pub customer: &'a str,
    /// Stripe's name of the payment method.
    pub method: &'a str,
}

impl Stripe {
    /// A client of the API at this URL.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: String, secret_key: String) -> Result<Self, reqwest::Error> {
        let http = Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(TIMEOUT).build()?;
        Ok(Self { http, url, secret_key })
    }

    /// Sets the money aside.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn authorize(&self, wanted: Authorization<'_>) -> Result<Intent, StripeError> {
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
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn intent(&self, intent: &str) -> Result<Intent, StripeError> {
        let url = format!("{}/v1/payment_intents/{intent}", self.url);
        let ask = || async { read(self.with_key(self.http.get(&url)).send().await?).await };
        ask.retry(pauses()).when(StripeError::is_worth_a_retry).await
    }

    /// Takes the money that was set aside.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn capture(&self, intent: &str, order: OrderId, look: i32) -> Result<Intent, StripeError> {
        self.post(&format!("/v1/payment_intents/{intent}/capture"), &format!("{order}:capture:{look}"), &[]).await
    }

    /// Lets go of the money that was set aside.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn cancel(&self, intent: &str, order: OrderId, look: i32) -> Result<Intent, StripeError> {
        self.post(&format!("/v1/payment_intents/{intent}/cancel"), &format!("{order}:cancel:{look}"), &[]).await
    }

    /// Gives back all the money that was taken. What was given back already counts as given back.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn refund(&self, intent: &str, order: OrderId, look: i32) -> Result<(), StripeError> {
        let refunded: Result<Named, _> =
            self.post("/v1/refunds", &format!("{order}:refund:{look}"), &[("payment_intent", intent)]).await;
        match refunded {
            Err(StripeError::Refused { code, .. }) if code == "charge_already_refunded" => Ok(()),
            other => other.map(drop),
        }
    }

    /// Makes a customer for a user. Returns Stripe's name of the customer.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn create_customer(&self, user: UserId) -> Result<String, StripeError> {
        let user = user.to_string();
        let form = [("metadata[user_uuid]", user.as_str())];
        let customer: Named = self.post("/v1/customers", &format!("{user}:customer"), &form).await?;
        Ok(customer.id)
    }

    /// Attaches a payment method to a customer, so that it can be used again. Returns Stripe's name of it: that of a test card
    /// names a new one.
    ///
    /// # Errors
    /// See [`StripeError`]; a method that is attached to another customer is refused.
    pub async fn attach(&self, method: &str, customer: &str) -> Result<String, StripeError> {
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
