//! What a test or a checker wants to know about a payment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::{Charge, PaymentIntent, Status};

/// A payment intent and what became of its money, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// `pi_…`
    pub intent: String,
    /// Where it stands.
    pub status: Status,
    /// What was asked for.
    pub amount: i64,
    /// What is put aside and not taken yet.
    pub capturable: i64,
    /// What was taken.
    pub captured: i64,
    /// What was given back of it.
    pub refunded: i64,
    /// Three small letters.
    pub currency: String,
    /// `cus_…`
    pub customer: Option<String>,
    /// `pm_…`
    pub payment_method: Option<String>,
    /// What the shop noted on it.
    pub metadata: BTreeMap<String, String>,
}

impl Payment {
    pub(crate) fn new(intent: &PaymentIntent, charge: Option<&Charge>) -> Self {
        Self {
            intent: intent.id.clone(),
            status: intent.status,
            amount: intent.amount,
            capturable: intent.amount_capturable,
            captured: charge.map_or(0, |charge| charge.amount_captured),
            refunded: charge.map_or(0, |charge| charge.amount_refunded),
            currency: intent.currency.clone(),
            customer: intent.customer.clone(),
            payment_method: intent.payment_method.clone(),
            metadata: intent.metadata.clone(),
        }
    }

    /// The order that the shop noted on it.
    #[must_use]
    pub fn order_uuid(&self) -> Option<&str> {
        self.metadata.get("order_uuid").map(String::as_str)
    }
}
