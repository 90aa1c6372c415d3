//! Customers and the payment methods that are saved for them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Account, new_id, now_seconds};
use crate::{
    answer::{ApiError, Outcome, to_json},
    cards::Card,
    form::Form,
};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Customer {
    id: String,
    object: &'static str,
    created: i64,
    livemode: bool,
    metadata: BTreeMap<String, String>,
}

impl Account {
    pub(crate) fn create_customer(&mut self, form: &Form) -> Outcome {
        form.knows_only(&["metadata", "name", "email", "description"])?;
        let id = new_id("cus");
        let customer = Customer {
            id: id.clone(),
            object: "customer",
            created: now_seconds(),
            livemode: false,
            metadata: form.metadata(),
        };
        let answer = to_json(&customer);
        self.customers.insert(id, customer);
        Ok(answer)
    }

    pub(crate) fn attach_method(&mut self, id: &str, form: &Form) -> Outcome {
        form.knows_only(&["customer"])?;
        let customer = form.required("customer")?.to_owned();
        self.check_customer(&customer)?;
        match Card::of(id).ok_or_else(|| ApiError::missing("payment_method", id))? {
            // Stripe asks the card's bank before it saves the card.
            Card::Declined(decline_code) => return Err(ApiError::declined(decline_code)),
            _ if self.saved_methods.get(id).is_some_and(|owner| *owner != customer) => {
                return Err(ApiError::invalid_request(
                    "The payment method you provided has already been attached to a customer.",
                ));
            }
            _ => {}
        }
        let saved = if Card::is_pattern(id) { new_id(id) } else { id.to_owned() };
        self.saved_methods.insert(saved.clone(), customer);
        Ok(self.method_body(&saved))
    }

    pub(crate) fn retrieve_method(&self, id: &str) -> Outcome {
        Card::of(id).map(|_| self.method_body(id)).ok_or_else(|| ApiError::missing("payment_method", id))
    }

    pub(crate) fn check_customer(&self, id: &str) -> Result<(), ApiError> {
        self.customers.contains_key(id).then_some(()).ok_or_else(|| ApiError::missing("customer", id))
    }

    /// What the method does. An error when this customer may not use it.
    pub(crate) fn usable_card(&self, id: &str, customer: Option<&str>) -> Result<Card, ApiError> {
        let card = Card::of(id).ok_or_else(|| ApiError::missing("payment_method", id))?;
        match self.saved_methods.get(id) {
            Some(owner) if customer != Some(owner) => Err(ApiError::invalid_request(
                "The provided PaymentMethod was previously used or belongs to another customer; \
                 please include the customer it belongs to in the `customer` parameter.",
            )),
            _ => Ok(card),
        }
    }

    fn method_body(&self, id: &str) -> Value {
        json!({
            "id": id,
            "object": "payment_method",
            "type": "card",
            "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034, "funding": "credit"},
            "customer": self.saved_methods.get(id),
            "livemode": false,
            "metadata": {},
        })
    }
}
