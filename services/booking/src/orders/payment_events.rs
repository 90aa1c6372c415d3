//! Events that the provider reports about payments: each is stored once, in the transaction of its effect.

use ids::OrderId;
use sqlx::Connection;

use super::{
    Orders,
    lifecycle::{AUTHORIZE, DECLINE, FINISH_REFUND, Transition, VOID},
    steps,
};

/// What the provider reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    SetAside,
    Declined,
    Ended,
    GivenBack,
    /// It changes nothing by itself, but a driver should look at the order.
    Other,
}

impl Report {
    /// The transition that a report stands for. It takes effect only from the states in which it makes sense; a driver
    /// asks the provider for the truth afterwards.
    fn transition(self) -> Option<Transition> {
        match self {
            Self::SetAside => Some(AUTHORIZE),
            Self::Declined => Some(DECLINE),
            Self::Ended => Some(VOID),
            Self::GivenBack => Some(FINISH_REFUND),
            Self::Other => None,
        }
    }
}

/// An event of the provider's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PaymentEvent<'a> {
    /// The provider's name of the event, under which it is stored once.
    pub(crate) reference: &'a str,
    pub(crate) kind: &'a str,
    /// The provider's name of the payment.
    pub(crate) intent: &'a str,
    pub(crate) report: Report,
}

impl Orders {
    /// Stores an event with its effect. Returns the order it is about, if the event is new and about one of ours. After
    /// an error nothing is stored, and the provider sends the event again.
    pub(crate) async fn apply(&self, event: PaymentEvent<'_>) -> sqlx::Result<Option<OrderId>> {
        self.postgres
            .run(async |connection| {
                let mut transaction = connection.begin().await?;
                let stored = sqlx::query(
                    "INSERT INTO payment_events (reference, kind, intent_reference) VALUES ($1, $2, $3)
                     ON CONFLICT DO NOTHING",
                )
                .bind(event.reference)
                .bind(event.kind)
                .bind(event.intent)
                .execute(&mut *transaction)
                .await?;
                if stored.rows_affected() == 0 {
                    return Ok(None);
                }
                // An event about a payment that is not known yet comes before the answer that names it, and that answer
                // says the same.
                let order: Option<OrderId> =
                    sqlx::query_scalar("SELECT uuid FROM payment_attempts WHERE intent_reference = $1")
                        .bind(event.intent)
                        .fetch_optional(&mut *transaction)
                        .await?;
                if let (Some(order), Some(transition)) = (order, event.report.transition()) {
                    steps::advance_within(&mut *transaction, order, &transition).await?;
                }
                transaction.commit().await?;
                Ok(order)
            })
            .await
    }
}
