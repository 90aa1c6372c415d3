//! A payment, as tests and the history's checker read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::{Charge, PaymentIntent, Status};

/// A payment intent with its amounts, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// `pi_…`
    pub intent: String,
    /// The status of the intent.
    pub status: Status,
    /// The amount of the intent.
    pub amount: i64,
    /// The amount that is authorized and not captured.
    pub capturable: i64,
    /// The amount that was captured.
    pub captured: i64,
    /// The amount that was refunded.
    pub refunded: i64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// `cus_…`
    pub customer: Option<String>,
    /// `pm_…`
    pub payment_method: Option<String>,
    /// The metadata that the shop gave it.
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

    /// The order in its metadata.
    #[must_use]
    pub fn order_uuid(&self) -> Option<&str> {
        self.metadata.get("order_uuid").map(String::as_str)
    }
}
