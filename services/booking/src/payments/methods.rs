//! Saved payment methods. Each belongs to the user who saved it, and only that user pays with it.

use ids::{PaymentMethodId, UserId};
use kit::postgres::Pool;

use super::{Payments, stripe::StripeError};
use crate::{
    booking::Booking,
    failure::{Failure, Refusal},
};

impl Booking {
    /// Saves a payment method that Stripe knows under this name (`pm_…`), for this user. The user's repeat is answered with the
    /// same method.
    ///
    /// # Errors
    /// When nothing is paid for here, Stripe does not know the method or it is another's, or a store fails.
    pub async fn save_payment_method(&self, user: UserId, reference: &str) -> Result<PaymentMethodId, Failure> {
        let Payments::Stripe(payments) = &self.payments else {
            return Err(Failure::Refused(Refusal::PaymentMethod));
        };
        if let Some((owner, uuid)) = owner_of(&self.postgres, reference).await? {
            return if owner == user { Ok(uuid) } else { Err(Failure::Refused(Refusal::PaymentMethod)) };
        }
        // The same key makes the same customer, so two at once and a repeat after a crash all get one.
        let customer = payments.api.create_customer(user).await?;
        let method = match payments.api.attach(reference, &customer).await {
            Ok(method) => method,
            Err(error) if error.is_transient() => return Err(error.into()),
            Err(error @ StripeError::Refused { .. }) => {
                tracing::info!(%error, "a payment method was refused");
                return Err(Failure::Refused(Refusal::PaymentMethod));
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
        .bind(method)
        .bind(customer)
        .fetch_optional(&self.postgres)
        .await?;
        saved.ok_or(Failure::Refused(Refusal::PaymentMethod))
    }
}

async fn owner_of(postgres: &Pool, reference: &str) -> sqlx::Result<Option<(UserId, PaymentMethodId)>> {
    sqlx::query_as("SELECT user_uuid, uuid FROM payment_methods WHERE provider = 'stripe' AND provider_reference = $1")
        .bind(reference)
        .fetch_optional(postgres)
        .await
}

/// Whether the user may pay with this method.
///
/// # Errors
/// When PostgreSQL fails.
pub(crate) async fn belongs_to(postgres: &Pool, method: PaymentMethodId, user: UserId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM payment_methods WHERE uuid = $1 AND user_uuid = $2)")
        .bind(method)
        .bind(user)
        .fetch_one(postgres)
        .await
}
