//! Writing an order, which decides a sale attempt: the first row with the attempt's id stands.

use seats::SaleAttempt;
use sqlx::postgres::PgQueryResult;

use super::{
    Decision, OrderState, Orders, Reason,
    lifecycle::{FENCE, Start},
    model::Provider,
};

impl Orders {
    /// What the number of orders written means: the order began as `start`, or, if its seats are not available or the
    /// attempt was decided before, what stands.
    ///
    /// After an error of PostgreSQL the outcome is not known: the statement may have committed. [`Self::fence`] finds
    /// out.
    pub(super) async fn decided(
        &self,
        attempt: &SaleAttempt,
        provider: Provider,
        written: sqlx::Result<i64>,
        start: Start,
    ) -> sqlx::Result<Decision> {
        match written {
            Ok(1) => Ok(Decision { state: start.order, reason: None }),
            Ok(_) => self.fence(attempt, provider, Reason::NotAvailable).await,
            // The attempt was decided before, or another order has the ticket whatever its status says.
            Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
                self.fence(attempt, provider, why_refused(&error)).await
            }
            Err(error) => Err(error),
        }
    }

    /// Cancels an attempt that has no order yet, so that none can be written later, and returns the decision that
    /// stands: this one, or the one that was there first. Waits for a transaction that inserts the order at the same
    /// moment.
    pub(crate) async fn fence(
        &self,
        attempt: &SaleAttempt,
        provider: Provider,
        reason: Reason,
    ) -> sqlx::Result<Decision> {
        let inserted: PgQueryResult = sqlx::query(
            "INSERT INTO orders (uuid, user_uuid, event_uuid, state, reason, payment_provider, amount)
             VALUES ($1, $2, $3, $4, $5, $6, 0)
             ON CONFLICT (uuid) DO NOTHING",
        )
        .bind(attempt.order)
        .bind(attempt.user)
        .bind(attempt.event)
        .bind(FENCE.order.as_str())
        .bind(reason.as_str())
        .bind(provider.as_str())
        .execute(&self.postgres)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(Decision { state: FENCE.order, reason: Some(reason) });
        }
        let (state, reason): (String, Option<String>) =
            sqlx::query_as("SELECT state, reason FROM orders WHERE uuid = $1")
                .bind(attempt.order)
                .fetch_one(&self.postgres)
                .await?;
        let state = OrderState::try_from(state).map_err(|unknown| sqlx::Error::Decode(unknown.into()))?;
        Ok(Decision { state, reason: reason.as_deref().and_then(Reason::parse) })
    }
}

/// Why an order cannot be written after a unique violation: another order has a ticket, or another call of the user's
/// came under the same key just now. In the second case the seats stay held, and the next call hears of the key.
fn why_refused(violation: &sqlx::Error) -> Reason {
    let constraint = violation.as_database_error().and_then(|error| error.constraint());
    if constraint == Some("idempotency_keys_pkey") { Reason::Abandoned } else { Reason::NotAvailable }
}
