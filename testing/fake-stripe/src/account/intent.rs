//! A payment intent: one payment from its authorization to its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{new_id, now_seconds};
use crate::answer::ApiError;

/// The status of a payment intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has no payment method, or the last one failed.
    RequiresPaymentMethod,
    /// It has a payment method and waits for the call that confirms it.
    RequiresConfirmation,
    /// The customer must act.
    RequiresAction,
    /// The bank has not decided yet.
    Processing,
    /// The money is authorized.
    RequiresCapture,
    /// The money is captured.
    Succeeded,
    /// It ended without a payment.
    Canceled,
}

impl Status {
    /// The status as the API spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// A payment intent as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PaymentIntent {
    pub id: String,
    object: &'static str,
    pub amount: i64,
    pub amount_capturable: i64,
    pub amount_received: i64,
    pub currency: String,
    pub status: Status,
    pub capture_method: String,
    client_secret: String,
    pub customer: Option<String>,
    pub payment_method: Option<String>,
    pub latest_charge: Option<String>,
    pub last_payment_error: Option<Value>,
    pub next_action: Option<Value>,
    pub metadata: BTreeMap<String, String>,
    pub canceled_at: Option<i64>,
    pub cancellation_reason: Option<String>,
    created: i64,
    livemode: bool,
}

impl PaymentIntent {
    pub(crate) fn new(amount: i64, currency: &str, capture_method: &str) -> Self {
        let id = new_id("pi");
        Self {
            object: "payment_intent",
            amount,
            amount_capturable: 0,
            amount_received: 0,
            currency: currency.to_owned(),
            status: Status::RequiresPaymentMethod,
            capture_method: capture_method.to_owned(),
            client_secret: new_id(&format!("{id}_secret")),
            customer: None,
            payment_method: None,
            latest_charge: None,
            last_payment_error: None,
            next_action: None,
            metadata: BTreeMap::new(),
            canceled_at: None,
            cancellation_reason: None,
            created: now_seconds(),
            livemode: false,
            id,
        }
    }

    /// The payment method failed. The customer may try another one.
    pub(crate) fn fail(&mut self, error: Value) {
        self.status = Status::RequiresPaymentMethod;
        self.payment_method = None;
        self.next_action = None;
        self.last_payment_error = Some(error);
    }

    pub(crate) fn await_action(&mut self) {
        self.status = Status::RequiresAction;
        self.next_action =
            Some(json!({"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}));
    }

    pub(crate) fn cancel(&mut self, reason: Option<String>) {
        self.status = Status::Canceled;
        self.amount_capturable = 0;
        self.next_action = None;
        self.canceled_at = Some(now_seconds());
        self.cancellation_reason = reason;
    }

    /// The authorization has expired.
    pub(crate) fn expire(&mut self) {
        self.cancel(Some("automatic".to_owned()));
    }

    /// An error unless the status is one of these.
    pub(crate) fn must_be(&self, done: &str, wanted: &[Status]) -> Result<(), ApiError> {
        if wanted.contains(&self.status) { Ok(()) } else { Err(self.cannot_be(done, wanted)) }
    }

    /// Stripe's error when the status is none of these.
    pub(crate) fn cannot_be(&self, done: &str, wanted: &[Status]) -> ApiError {
        let names: Vec<_> = wanted.iter().map(|status| status.name()).collect();
        let message = format!(
            "This PaymentIntent could not be {done} because it has a status of {}. \
             Only a PaymentIntent with one of the following statuses may be {done}: {}.",
            self.status.name(),
            names.join(", ")
        );
        ApiError::unexpected_state(message).about(self)
    }
}
