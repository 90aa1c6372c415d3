use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretName, WorkloadSpec};

/// How the booking service runs.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!(has(self.holdMinutes) && has(self.holdSeconds))", "give holdMinutes or holdSeconds, not both"))]
#[x_kube(validation = ("!has(self.holdLifetimeMinutes) || !has(self.holdMinutes) || self.holdMinutes <= self.holdLifetimeMinutes", "holdMinutes must not be more than holdLifetimeMinutes"))]
pub struct BookingSpec {
    #[serde(flatten)]
    #[schemars(flatten)]
    // A doc comment here would replace the description of the whole.
    pub workload: WorkloadSpec,
    /// Minutes for which a reserved seat is kept for its customer. Default 15, unless `holdSeconds` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1440))]
    pub hold_minutes: Option<i32>,
    /// The same in seconds. It is meant for tests that wait for an expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub hold_seconds: Option<i32>,
    /// The longest time in minutes that a hold may last, however often its customer extends it. Default 60, or the
    /// length of a hold when that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1440))]
    pub hold_lifetime_minutes: Option<i32>,
    /// The most tickets of one event that a user may have, held and bought together. Default 0: any number.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100_000))]
    pub max_tickets_per_user: i32,
    /// The currency of all prices: ISO 4217, in lower case. Default `eur`.
    #[serde(default = "default_currency")]
    #[schemars(regex(pattern = "^[a-z]{3}$"))]
    pub currency: String,
    /// How customers pay. The choice is required, so that no missing key gives tickets away for nothing.
    pub payments: Payments,
}

fn default_currency() -> String {
    "eur".to_owned()
}

impl BookingSpec {
    pub fn hold_seconds(&self) -> i32 {
        const DEFAULT_HOLD_MINUTES: i32 = 15;
        self.hold_seconds.unwrap_or_else(|| self.hold_minutes.unwrap_or(DEFAULT_HOLD_MINUTES) * 60)
    }

    pub fn hold_lifetime_seconds(&self) -> i32 {
        const DEFAULT_LIFETIME_MINUTES: i32 = 60;
        (self.hold_lifetime_minutes.unwrap_or(DEFAULT_LIFETIME_MINUTES) * 60).max(self.hold_seconds())
    }
}

/// How customers pay. Give exactly one of the fields.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Payments {
    /// Tickets cost nothing, and no payment is taken. Write `free: {}`.
    Free(FreePayments),
    /// Cards, through Stripe.
    Stripe(StripePayments),
}

/// Free tickets have no settings.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub struct FreePayments {}

/// How Stripe is reached.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StripePayments {
    /// A Secret with the keys `secret-key`, for Stripe's API, and `webhook-secret`, which signs what Stripe sends to
    /// `/api/v1/booking/payments/stripe/webhook`.
    pub secret: SecretName,
    /// The base URL of the API. Default: Stripe's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500), regex(pattern = r"^https?://.+"))]
    pub api_url: Option<String>,
    /// Seconds that a customer has for a payment, from placing the order until the money is authorized. Default 600.
    #[serde(default = "default_payment_seconds")]
    #[schemars(range(min = 1, max = 86_400))]
    pub payment_seconds: i32,
}

const fn default_payment_seconds() -> i32 {
    600
}

impl Payments {
    /// The value of the service's setting `PAYMENT_PROVIDER`.
    pub const fn provider(&self) -> &'static str {
        match self {
            Self::Free(_) => "free",
            Self::Stripe(_) => "stripe",
        }
    }

    pub const fn stripe(&self) -> Option<&StripePayments> {
        match self {
            Self::Free(_) => None,
            Self::Stripe(stripe) => Some(stripe),
        }
    }
}
