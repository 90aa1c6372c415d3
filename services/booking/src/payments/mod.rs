//! Who takes the money.

pub(crate) mod methods;
pub(crate) mod stripe;
pub(crate) mod webhook;

use std::{sync::Arc, time::Duration};

use crate::{
    orders::{FREE, STRIPE},
    settings::{PaymentSettings, StripeSettings},
};
use stripe::Stripe;

/// The payment provider.
#[derive(Clone)]
pub enum Payments {
    /// Every ticket costs the customer nothing, whatever its price says: nothing is asked, nothing can be declined.
    Free,
    /// Cards, through Stripe.
    Stripe(Arc<StripePayments>),
}

/// What is needed to be paid through Stripe.
pub struct StripePayments {
    /// Stripe's API.
    pub api: Stripe,
    /// Signs the webhooks.
    pub webhook_secret: String,
    /// How long a customer has for a payment, from placing the order until the money is set aside.
    pub time: Duration,
}

impl Payments {
    /// The provider that the settings choose.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(settings: &PaymentSettings) -> Result<Self, reqwest::Error> {
        match settings {
            PaymentSettings::Free => Ok(Self::Free),
            PaymentSettings::Stripe(StripeSettings { secret_key, webhook_secret, api_url, payment_time }) => {
                let api = Stripe::new(api_url.clone(), secret_key.clone())?;
                let payments = StripePayments { api, webhook_secret: webhook_secret.clone(), time: *payment_time };
                Ok(Self::Stripe(Arc::new(payments)))
            }
        }
    }

    /// The provider's name in orders and payment attempts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Free => FREE,
            Self::Stripe(_) => STRIPE,
        }
    }
}
