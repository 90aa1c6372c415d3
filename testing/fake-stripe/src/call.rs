//! The calls of Stripe's API that the fake implements.

use serde::{Deserialize, Serialize};

/// A kind of call to Stripe's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST /v1/customers`
    CreateCustomer,
    /// `POST /v1/payment_methods/{id}/attach`
    AttachPaymentMethod,
    /// `GET /v1/payment_methods/{id}`
    RetrievePaymentMethod,
    /// `POST /v1/payment_intents`
    CreateIntent,
    /// `GET /v1/payment_intents/{id}`
    RetrieveIntent,
    /// `POST /v1/payment_intents/{id}/confirm`
    ConfirmIntent,
    /// `POST /v1/payment_intents/{id}/capture`
    CaptureIntent,
    /// `POST /v1/payment_intents/{id}/cancel`
    CancelIntent,
    /// `POST /v1/refunds`
    CreateRefund,
    /// `GET /v1/refunds/{id}`
    RetrieveRefund,
}

impl Call {
    /// Whether the call only reads. It ignores idempotency keys.
    pub(crate) fn reads(self) -> bool {
        matches!(self, Self::RetrievePaymentMethod | Self::RetrieveIntent | Self::RetrieveRefund)
    }
}
