//! Refunds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Account, Charge, new_id, now_seconds};
use crate::{
    answer::{ApiError, Outcome, to_json},
    event::Event,
    form::Form,
};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refund {
    id: String,
    object: &'static str,
    amount: i64,
    charge: String,
    currency: String,
    payment_intent: String,
    reason: Option<String>,
    status: &'static str,
    metadata: BTreeMap<String, String>,
    created: i64,
}

impl Account {
    pub(crate) fn create_refund(&mut self, form: &Form) -> Outcome {
        form.knows_only(&["payment_intent", "charge", "amount", "reason", "metadata"])?;
        let charge_id = match form.text("charge") {
            Some(charge) => charge.to_owned(),
            None => self.captured_charge_of(form.required("payment_intent")?)?,
        };
        let Some(charge) = self.charges.get_mut(&charge_id) else {
            return Err(ApiError::missing("charge", &charge_id));
        };
        let amount = refundable_amount(charge, form.integer("amount")?)?;
        charge.refund(amount);
        let refund = Refund {
            id: new_id("re"),
            object: "refund",
            amount,
            charge: charge_id,
            currency: charge.currency.clone(),
            payment_intent: charge.payment_intent.clone(),
            reason: form.owned("reason"),
            status: "succeeded",
            metadata: form.metadata(),
            created: now_seconds(),
        };
        self.events.push(Event::new("charge.refunded", to_json(charge)));
        self.events.push(Event::new("refund.created", to_json(&refund)));
        let answer = to_json(&refund);
        self.refunds.insert(refund.id.clone(), refund);
        Ok(answer)
    }

    pub(crate) fn retrieve_refund(&self, id: &str) -> Outcome {
        self.refunds.get(id).map(to_json).ok_or_else(|| ApiError::missing("refund", id))
    }

    fn captured_charge_of(&mut self, intent_id: &str) -> Result<String, ApiError> {
        let intent = self.intent(intent_id)?;
        let charge = intent.latest_charge.clone().filter(|_| intent.amount_received > 0);
        charge.ok_or_else(|| {
            ApiError::invalid_request(format!(
                "This PaymentIntent ({intent_id}) does not have a successful charge to refund."
            ))
        })
    }
}

fn refundable_amount(charge: &Charge, asked: Option<i64>) -> Result<i64, ApiError> {
    if charge.refunded {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(ApiError::invalid_state("charge_already_refunded", message));
    }
    let left = charge.refundable();
    match asked.unwrap_or(left) {
        amount if amount <= 0 => {
            Err(ApiError::parameter("parameter_invalid_integer", "amount", "Invalid positive integer"))
        }
        amount if amount > left => Err(ApiError::invalid_request(format!(
            "Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        ))),
        amount => Ok(amount),
    }
}
