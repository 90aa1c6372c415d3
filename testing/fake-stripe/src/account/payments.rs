//! The calls about payment intents.

use serde_json::{Value, json};

use super::{Account, Charge, PaymentIntent, Status};
use crate::{
    answer::{ApiError, Outcome, to_json},
    cards::Card,
    form::Form,
};

/// The smallest payment, in minor units. Stripe's own limit depends on the currency and is about as large.
const SMALLEST_AMOUNT: i64 = 50;

const KNOWN: [&str; 14] = [
    "amount",
    "currency",
    "customer",
    "payment_method",
    "capture_method",
    "confirm",
    "metadata",
    "description",
    "off_session",
    "return_url",
    "automatic_payment_methods",
    "payment_method_types",
    "receipt_email",
    "setup_future_usage",
];

impl Account {
    pub(crate) fn create_intent(&mut self, form: &Form) -> Outcome {
        form.knows_only(&KNOWN)?;
        form.required("amount")?;
        let amount = form.integer("amount")?.unwrap_or_default();
        if amount < SMALLEST_AMOUNT {
            let message = "The amount must be greater than or equal to the minimum charge amount allowed.";
            return Err(ApiError::parameter("amount_too_small", "amount", message));
        }
        let currency = form.required("currency")?;
        if currency.len() != 3 || !currency.bytes().all(|letter| letter.is_ascii_lowercase()) {
            let message = format!("Invalid currency: {currency}.");
            return Err(ApiError::parameter("parameter_invalid_string", "currency", message));
        }
        let capture_method = form.one_of("capture_method", "automatic", &["automatic", "automatic_async", "manual"])?;
        let confirm = form.boolean("confirm")?;
        let customer = form.owned("customer");
        if let Some(customer) = &customer {
            self.check_customer(customer)?;
        }
        let method = form.owned("payment_method");
        if let Some(method) = &method {
            self.usable_card(method, customer.as_deref())?;
        }
        let mut intent = PaymentIntent::new(amount, currency, capture_method);
        intent.status = if method.is_some() { Status::RequiresConfirmation } else { Status::RequiresPaymentMethod };
        intent.customer = customer;
        intent.payment_method = method;
        intent.metadata = form.metadata();
        let id = intent.id.clone();
        self.record("payment_intent.created", &intent);
        self.intents.insert(id.clone(), intent);
        self.order.push(id.clone());
        if confirm {
            self.confirm_intent(&id, &Form::default())
        } else {
            self.intent(&id).map(|intent| to_json(intent))
        }
    }

    pub(crate) fn confirm_intent(&mut self, id: &str, form: &Form) -> Outcome {
        form.knows_only(&["payment_method", "return_url", "off_session"])?;
        let mut intent = self.intent(id)?.clone();
        intent.must_be("confirmed", &[Status::RequiresPaymentMethod, Status::RequiresConfirmation])?;
        intent.payment_method = form.owned("payment_method").or(intent.payment_method);
        let Some(method) = intent.payment_method.clone() else {
            let message = "You cannot confirm this PaymentIntent because it's missing a payment method.";
            return Err(ApiError::unexpected_state(message).about(&intent));
        };
        match self.usable_card(&method, intent.customer.as_deref())? {
            Card::Declined(decline_code) => self.decline(intent, decline_code),
            Card::DeclinedWhenCharged => self.decline(intent, "generic_decline"),
            Card::AuthenticationRequired => {
                intent.await_action();
                Ok(self.store("payment_intent.requires_action", intent))
            }
            Card::Processing => {
                intent.status = Status::Processing;
                Ok(self.store("payment_intent.processing", intent))
            }
            Card::Works | Card::AuthorizationExpires | Card::CaptureRefused => Ok(self.authorize(intent)),
        }
    }

    /// The bank approves: the money is authorized, and captured at once when the intent asks for that.
    fn authorize(&mut self, mut intent: PaymentIntent) -> Value {
        let mut charge = Charge::authorized(&intent);
        intent.latest_charge = Some(charge.id.clone());
        intent.next_action = None;
        intent.last_payment_error = None;
        let kind = if intent.capture_method == "manual" {
            intent.status = Status::RequiresCapture;
            intent.amount_capturable = intent.amount;
            "payment_intent.amount_capturable_updated"
        } else {
            intent.status = Status::Succeeded;
            intent.amount_received = intent.amount;
            charge.capture(intent.amount);
            "payment_intent.succeeded"
        };
        self.charges.insert(charge.id.clone(), charge);
        self.store(kind, intent)
    }

    fn decline(&mut self, mut intent: PaymentIntent, decline_code: &str) -> Outcome {
        let error = ApiError::declined(decline_code);
        intent.fail(error.error());
        let error = error.about(&intent);
        self.store("payment_intent.payment_failed", intent);
        Err(error)
    }

    pub(crate) fn capture_intent(&mut self, id: &str, form: &Form) -> Outcome {
        form.knows_only(&["amount_to_capture", "metadata"])?;
        let mut intent = self.intent(id)?.clone();
        intent.must_be("captured", &[Status::RequiresCapture])?;
        match intent.payment_method.as_deref().and_then(Card::of) {
            Some(Card::AuthorizationExpires) => {
                intent.expire();
                let error = intent.cannot_be("captured", &[Status::RequiresCapture]);
                self.store("payment_intent.canceled", intent);
                return Err(error);
            }
            Some(Card::CaptureRefused) => {
                return Err(ApiError::invalid_state(
                    "charge_expired_for_capture",
                    "The charge cannot be captured as the authorization has expired.",
                ));
            }
            _ => {}
        }
        let amount = form.integer("amount_to_capture")?.unwrap_or(intent.amount_capturable);
        if amount <= 0 || amount > intent.amount_capturable {
            let message = "amount_to_capture must be between 1 and the capturable amount.";
            return Err(ApiError::parameter("amount_too_large", "amount_to_capture", message));
        }
        intent.status = Status::Succeeded;
        intent.amount_capturable = 0;
        intent.amount_received = amount;
        if let Some(charge) = intent.latest_charge.as_ref().and_then(|id| self.charges.get_mut(id)) {
            charge.capture(amount);
        }
        Ok(self.store("payment_intent.succeeded", intent))
    }

    pub(crate) fn cancel_intent(&mut self, id: &str, form: &Form) -> Outcome {
        form.knows_only(&["cancellation_reason"])?;
        let reasons = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];
        if form.text("cancellation_reason").is_some() {
            form.one_of("cancellation_reason", "", &reasons)?;
        }
        let mut intent = self.intent(id)?.clone();
        intent.must_be(
            "canceled",
            &[
                Status::RequiresPaymentMethod,
                Status::RequiresConfirmation,
                Status::RequiresAction,
                Status::RequiresCapture,
            ],
        )?;
        intent.cancel(form.owned("cancellation_reason"));
        Ok(self.store("payment_intent.canceled", intent))
    }

    /// The customer has acted, or the bank approves.
    pub(crate) fn approve(&mut self, id: &str) -> Result<(), ApiError> {
        let intent = self.intent(id)?.clone();
        intent.must_be("approved", &[Status::RequiresAction, Status::Processing])?;
        self.authorize(intent);
        Ok(())
    }

    /// The customer has failed to act, or the bank declines.
    pub(crate) fn reject(&mut self, id: &str) -> Result<(), ApiError> {
        let mut intent = self.intent(id)?.clone();
        intent.must_be("rejected", &[Status::RequiresAction, Status::Processing])?;
        let error = if intent.status == Status::Processing {
            ApiError::declined("generic_decline").error()
        } else {
            json!({
                "type": "invalid_request_error",
                "code": "payment_intent_authentication_failure",
                "message": "The provided PaymentMethod has failed authentication.",
            })
        };
        intent.fail(error);
        self.store("payment_intent.payment_failed", intent);
        Ok(())
    }

    /// The authorization was not captured in time.
    pub(crate) fn expire_authorization(&mut self, id: &str) -> Result<(), ApiError> {
        let mut intent = self.intent(id)?.clone();
        intent.must_be("expired", &[Status::RequiresCapture])?;
        intent.expire();
        self.store("payment_intent.canceled", intent);
        Ok(())
    }

    /// Stores the intent, records an event about it, and returns the answer's body.
    fn store(&mut self, kind: &str, intent: PaymentIntent) -> Value {
        let answer = to_json(&intent);
        self.record(kind, &intent);
        self.intents.insert(intent.id.clone(), intent);
        answer
    }
}
