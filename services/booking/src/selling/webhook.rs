//! Stripe's webhooks: stored once, applied in the transaction that stores them.
//!
//! They come late, twice and in any order. So an event is only a hint: it moves a payment forward from the states in
//! which that makes sense, and a driver of the order then asks Stripe for the truth.

use std::sync::Arc;

use serde::Deserialize;

use super::{Checkout, PaymentDriver, SaleError};
use crate::orders::{PaymentEvent, Report};

/// An event, as far as it is read: <https://docs.stripe.com/api/events/object>.
#[derive(Debug, Deserialize)]
pub(crate) struct WebhookEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: Object,
}

/// A payment intent, or something that names one.
#[derive(Debug, Deserialize)]
struct Object {
    id: String,
    payment_intent: Option<String>,
}

impl WebhookEvent {
    fn intent(&self) -> &str {
        self.data.object.payment_intent.as_deref().unwrap_or(&self.data.object.id)
    }

    fn report(&self) -> Report {
        match self.kind.as_str() {
            "payment_intent.amount_capturable_updated" => Report::SetAside,
            "payment_intent.payment_failed" => Report::Declined,
            "payment_intent.canceled" => Report::Ended,
            "charge.refunded" => Report::GivenBack,
            _ => Report::Other,
        }
    }
}

impl Checkout {
    /// Signs the webhooks; `None` where nothing is paid.
    pub(crate) fn webhook_secret(&self) -> Option<&str> {
        self.driver.as_ref().map(PaymentDriver::webhook_secret)
    }

    /// Stores an event with its effect, and resumes the order that it is about.
    pub(crate) async fn receive(self: &Arc<Self>, event: &WebhookEvent) -> Result<(), SaleError> {
        let (reference, kind, intent, report) =
            (event.id.as_str(), event.kind.as_str(), event.intent(), event.report());
        if let Some(order) = self.orders.apply(PaymentEvent { reference, kind, intent, report }).await? {
            // Stripe waits for the answer, not for what follows from it.
            self.resume_in_background(order);
        }
        Ok(())
    }
}
