//! The payment provider: Stripe's API and the signatures of its webhooks. This room knows no table and no other room.

mod signature;
mod stripe;

use std::time::Duration;

pub(crate) use self::{
    signature::verify,
    stripe::{Authorization, Intent, IntentStatus, Stripe, StripeError},
};
use crate::settings::StripeSettings;

/// What is needed to be paid through Stripe.
pub(crate) struct StripePayments {
    pub(crate) api: Stripe,
    /// Signs the webhooks.
    pub(crate) webhook_secret: String,
    /// How long a customer has to pay, from the order to the authorization.
    pub(crate) time_limit: Duration,
}

impl StripePayments {
    pub(crate) fn new(settings: StripeSettings) -> Result<Self, reqwest::Error> {
        let StripeSettings { secret_key, webhook_secret, api_url, payment_time } = settings;
        Ok(Self { api: Stripe::new(api_url, secret_key)?, webhook_secret, time_limit: payment_time })
    }
}
