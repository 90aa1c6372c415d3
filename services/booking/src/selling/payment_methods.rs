//! Saved payment methods. Each belongs to the user who saved it, and only that user pays with it.

use std::sync::Arc;

use ids::{PaymentMethodId, UserId};
use kit::postgres::Pool;

use super::SaleError;
use crate::{
    payments::{StripeError, StripePayments},
    refusal::Refusal,
};

/// The payment methods of all users. Clones share the pool.
#[derive(Clone)]
pub(crate) struct PaymentMethods {
    postgres: Pool,
    /// `None` where tickets cost nothing.
    payments: Option<Arc<StripePayments>>,
}

impl PaymentMethods {
    pub(crate) fn new(postgres: Pool, payments: Option<Arc<StripePayments>>) -> Self {
        Self { postgres, payments }
    }

    /// Saves a payment method that Stripe knows under this name (`pm_…`) for this user. The user's repeat is answered
    /// with the same method. Refused when nothing is paid here, Stripe does not know the method, or it is another
    /// user's.
    pub(crate) async fn save(&self, user: UserId, reference: &str) -> Result<PaymentMethodId, SaleError> {
        const REFUSED: SaleError = SaleError::Refused(Refusal::PaymentMethod);
        let Some(payments) = &self.payments else { return Err(REFUSED) };
        if let Some((owner, method)) = self.owner_of(reference).await? {
            return if owner == user { Ok(method) } else { Err(REFUSED) };
        }
        // The same key makes the same customer, so two calls at once and a repeat after a crash all get one.
        let customer = payments.api.create_customer(user).await?;
        let reference = match payments.api.attach(reference, &customer).await {
            Ok(reference) => reference,
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error @ StripeError::Refused { .. }) => {
                tracing::info!(%error, "a payment method was refused");
                return Err(REFUSED);
            }
            Err(error) => return Err(error.into()),
        };
        let saved: Option<PaymentMethodId> = sqlx::query_scalar(
            "INSERT INTO payment_methods (user_uuid, provider, provider_reference, customer_reference)
             VALUES ($1, 'stripe', $2, $3)
             ON CONFLICT (provider, provider_reference) DO UPDATE SET customer_reference = excluded.customer_reference
                 WHERE payment_methods.user_uuid = excluded.user_uuid
             RETURNING uuid",
        )
        .bind(user)
        .bind(reference)
        .bind(customer)
        .fetch_optional(&self.postgres)
        .await?;
        saved.ok_or(REFUSED)
    }

    async fn owner_of(&self, reference: &str) -> sqlx::Result<Option<(UserId, PaymentMethodId)>> {
        sqlx::query_as(
            "SELECT user_uuid, uuid FROM payment_methods WHERE provider = 'stripe' AND provider_reference = $1",
        )
        .bind(reference)
        .fetch_optional(&self.postgres)
        .await
    }

    /// Whether the user may pay with this method.
    pub(super) async fn belongs_to(&self, method: PaymentMethodId, user: UserId) -> sqlx::Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM payment_methods WHERE uuid = $1 AND user_uuid = $2)")
            .bind(method)
            .bind(user)
            .fetch_one(&self.postgres)
            .await
    }
}
