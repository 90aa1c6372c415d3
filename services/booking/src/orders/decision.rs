//! Writing an order down, which decides what becomes of an attempt to sell: the first row of its name stands.

use ids::{HoldId, PaymentMethodId};
use kit::postgres::Pool;
use seats::SaleAttempt;
use sqlx::postgres::PgQueryResult;

use super::{OrderState, idempotency::Key, reason};

/// What an order says beside its seats.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// How the buyer pays.
    pub payment_method: PaymentMethodId,
    /// The hold the tickets come from, where the client named one.
    pub hold: Option<HoldId>,
    /// ISO 4217, lower case.
    pub currency: &'static str,
    /// The key under which the client may repeat the call.
    pub key: Option<Key>,
}

/// What was decided about an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The order's state.
    pub state: OrderState,
    /// Why, where there is something to say.
    pub reason: Option<String>,
}

/// What the number of orders written says: the order came into `state`, or, where the seats cannot be had or the attempt has its
/// decision already, what stands.
///
/// # Errors
/// When PostgreSQL fails. Then the outcome is not known: the statement may have committed. [`cancel_unborn`] finds out.
pub(crate) async fn decided(
    postgres: &Pool,
    sale: &SaleAttempt,
    provider: &str,
    written: sqlx::Result<i64>,
    state: OrderState,
) -> sqlx::Result<Decision> {
    match written {
        Ok(1) => Ok(Decision { state, reason: None }),
        Ok(_) => cancel_unborn(postgres, sale, provider, reason::NOT_AVAILABLE).await,
        // Either the order has its decision, or another order has the ticket whatever its status says.
        Err(error) if error.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
            cancel_unborn(postgres, sale, provider, why_refused(&error)).await
        }
        Err(error) => Err(error),
    }
}

/// Cancels an attempt that has no order yet, so that none can come later, and returns what stands: the decision that was
/// there first, or this one. Waits for a transaction that inserts the order right now.
///
/// # Errors
/// When PostgreSQL fails.
pub async fn cancel_unborn(
    postgres: &Pool,
    sale: &SaleAttempt,
    provider: &str,
    reason: &str,
) -> sqlx::Result<Decision> {
    let inserted: PgQueryResult = sqlx::query(
        "INSERT INTO orders (uuid, user_uuid, event_uuid, state, reason, payment_provider, amount)
         VALUES ($1, $2, $3, 'cancelled', $4, $5, 0)
         ON CONFLICT (uuid) DO NOTHING",
    )
    .bind(sale.order)
    .bind(sale.user)
    .bind(sale.event)
    .bind(reason)
    .bind(provider)
    .execute(postgres)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Decision { state: OrderState::Cancelled, reason: Some(reason.to_owned()) });
    }
    let (state, reason): (String, Option<String>) =
        sqlx::query_as("SELECT state, reason FROM orders WHERE uuid = $1").bind(sale.order).fetch_one(postgres).await?;
    Ok(Decision { state: OrderState::parse(&state)?, reason })
}

/// Why an order cannot be written after a unique violation: a ticket that another order has, or a key that another call of the
/// user's came under just now. The latter is no fault of the seats, which stay held, and the next call hears of the key.
fn why_refused(violation: &sqlx::Error) -> &'static str {
    let constraint = violation.as_database_error().and_then(|error| error.constraint());
    if constraint == Some("idempotency_keys_pkey") { reason::ABANDONED } else { reason::NOT_AVAILABLE }
}
