//! The state of an account at Stripe, and what each call changes in it. It does no I/O and waits for nothing: calls run one
//! after the other.

mod charge;
mod customers;
mod intent;
mod payments;
mod refunds;

use std::collections::BTreeMap;

use http::Method;
use uuid::Uuid;

pub use self::intent::Status;
pub(crate) use self::{charge::Charge, intent::PaymentIntent};
use self::{customers::Customer, refunds::Refund};
use crate::{
    answer::{ApiError, Outcome, to_json},
    call::Call,
    event::Event,
    form::Form,
};

/// An account at Stripe.
#[derive(Debug, Default)]
pub(crate) struct Account {
    customers: BTreeMap<String, Customer>,
    /// The customer of each saved payment method.
    saved_methods: BTreeMap<String, String>,
    intents: BTreeMap<String, PaymentIntent>,
    charges: BTreeMap<String, Charge>,
    refunds: BTreeMap<String, Refund>,
    /// Ids of the intents in the order in which they were made.
    order: Vec<String>,
    /// Events that were not sent yet.
    pub events: Vec<Event>,
}

impl Account {
    /// Performs a call. `id` is the one in the call's path.
    pub(crate) fn perform(&mut self, call: Call, id: &str, form: &Form) -> Outcome {
        match call {
            Call::CreateCustomer => self.create_customer(form),
            Call::AttachPaymentMethod => self.attach_method(id, form),
            Call::RetrievePaymentMethod => self.retrieve_method(id),
            Call::CreateIntent => self.create_intent(form),
            Call::RetrieveIntent => self.intent(id).map(|intent| to_json(intent)),
            Call::ConfirmIntent => self.confirm_intent(id, form),
            Call::CaptureIntent => self.capture_intent(id, form),
            Call::CancelIntent => self.cancel_intent(id, form),
            Call::CreateRefund => self.create_refund(form),
            Call::RetrieveRefund => self.retrieve_refund(id),
        }
    }

    pub(crate) fn intent(&mut self, id: &str) -> Result<&mut PaymentIntent, ApiError> {
        self.intents.get_mut(id).ok_or_else(|| ApiError::missing("payment_intent", id))
    }

    /// All intents, oldest first, each with its charge.
    pub(crate) fn payments(&self) -> impl Iterator<Item = (&PaymentIntent, Option<&Charge>)> {
        self.order.iter().filter_map(|id| self.intents.get(id)).map(|intent| (intent, self.charge_of(intent)))
    }

    fn charge_of(&self, intent: &PaymentIntent) -> Option<&Charge> {
        self.charges.get(intent.latest_charge.as_ref()?)
    }

    /// Records an event with the intent as it is now.
    fn record(&mut self, kind: &str, intent: &PaymentIntent) {
        self.events.push(Event::new(kind, to_json(intent)));
    }
}

/// An id like Stripe's, which begins with the kind of the object.
fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::new_v4().simple())
}

fn now_seconds() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

/// The call and the id that a method and a path name.
pub(crate) fn route(method: &Method, path: &str) -> Option<(Call, String)> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (call, id) = match (method.as_str(), parts.as_slice()) {
        ("POST", ["v1", "customers"]) => (Call::CreateCustomer, ""),
        ("POST", ["v1", "payment_methods", id, "attach"]) => (Call::AttachPaymentMethod, *id),
        ("GET", ["v1", "payment_methods", id]) => (Call::RetrievePaymentMethod, *id),
        ("POST", ["v1", "payment_intents"]) => (Call::CreateIntent, ""),
        ("GET", ["v1", "payment_intents", id]) => (Call::RetrieveIntent, *id),
        ("POST", ["v1", "payment_intents", id, "confirm"]) => (Call::ConfirmIntent, *id),
        ("POST", ["v1", "payment_intents", id, "capture"]) => (Call::CaptureIntent, *id),
        ("POST", ["v1", "payment_intents", id, "cancel"]) => (Call::CancelIntent, *id),
        ("POST", ["v1", "refunds"]) => (Call::CreateRefund, ""),
        ("GET", ["v1", "refunds", id]) => (Call::RetrieveRefund, *id),
        _ => return None,
    };
    Some((call, id.to_owned()))
}
