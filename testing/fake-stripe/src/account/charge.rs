//! Charges: money that is authorized on a card, or captured from it.

use serde::Serialize;

use super::{PaymentIntent, new_id};

/// An authorization that may have been captured and refunded.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Charge {
    pub id: String,
    object: &'static str,
    pub amount: i64,
    pub amount_captured: i64,
    pub amount_refunded: i64,
    pub currency: String,
    pub payment_intent: String,
    pub captured: bool,
    pub refunded: bool,
    paid: bool,
    status: &'static str,
}

impl Charge {
    /// Authorizes the intent's amount.
    pub(crate) fn authorized(intent: &PaymentIntent) -> Self {
        Self {
            id: new_id("ch"),
            object: "charge",
            amount: intent.amount,
            amount_captured: 0,
            amount_refunded: 0,
            currency: intent.currency.clone(),
            payment_intent: intent.id.clone(),
            captured: false,
            refunded: false,
            paid: true,
            status: "succeeded",
        }
    }

    pub(crate) fn capture(&mut self, amount: i64) {
        self.amount_captured = amount;
        self.captured = true;
    }

    pub(crate) fn refund(&mut self, amount: i64) {
        self.amount_refunded += amount;
        self.refunded = self.amount_refunded == self.amount_captured;
    }

    pub(crate) fn refundable(&self) -> i64 {
        self.amount_captured - self.amount_refunded
    }
}
