//! Undoing an order: cancelling one that is under way, giving a booked one back.

use std::sync::Arc;

use ids::{OrderId, UserId};

use super::{Checkout, SaleError};
use crate::{
    orders::{
        Order, OrderState,
        idempotency::{Key, Operation},
        lifecycle::CANCEL,
    },
    refusal::Refusal,
};

impl Checkout {
    /// Cancels an order whose payment is under way. An order that is cancelled already is answered the same.
    pub(crate) async fn cancel(&self, order: OrderId, user: UserId) -> Result<Order, SaleError> {
        let found = self.existing(order, user).await?;
        if found.state != OrderState::Cancelled && !self.orders.advance(order, &CANCEL, None).await? {
            return Err(SaleError::Refused(Refusal::NotCancellable));
        }
        self.resume(order).await?;
        self.existing(order, user).await
    }

    /// Gives a booked order back: its tickets are available again, and the money is given back.
    pub(crate) async fn refund(&self, order: OrderId, user: UserId, key: Option<String>) -> Result<Order, SaleError> {
        let key = key.map(|text| Key::new(text, &[&order.to_string(), &user.to_string()]));
        self.existing(order, user).await?;
        if self.order_under(user, Operation::Refund, key.as_ref()).await?.is_none() {
            let is_done = match self.orders.refund(order, user, key.as_ref()).await {
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                    // Another call came under the key just now. If it was for the same order, that call gave it back.
                    self.order_under(user, Operation::Refund, key.as_ref()).await?.is_some()
                }
                refunded => refunded?,
            };
            // A repeat without a key succeeds too.
            if !is_done && self.existing(order, user).await?.state != OrderState::Refunded {
                return Err(SaleError::Refused(Refusal::NotRefundable));
            }
        }
        self.resume(order).await?;
        let order = self.existing(order, user).await?;
        if let Some(attempt) = order.attempt() {
            self.marks.clear(&attempt).await;
        }
        Ok(order)
    }

    /// What Stripe's client in the browser needs, if the order's payment waits for its customer.
    pub(crate) async fn client_secret(&self, order: &Order) -> Result<Option<String>, SaleError> {
        match &self.driver {
            Some(driver) => driver.client_secret(order).await,
            None => Ok(None),
        }
    }

    /// Goes on with the payment of an order without waiting for it. The worker ends what fails.
    pub(crate) fn resume_in_background(self: &Arc<Self>, order: OrderId) {
        let checkout = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Err(error) = checkout.resume(order).await {
                tracing::warn!(%error, %order, "the order could not be resumed");
            }
        });
    }

    /// Goes on with the payment of an order, if it has one. The worker ends what fails.
    async fn resume(&self, order: OrderId) -> Result<(), SaleError> {
        let Some(driver) = self.driver.clone() else { return Ok(()) };
        if self.orders.payment_of(order).await?.is_none() {
            return Ok(());
        }
        // A task of its own: a client that goes away must not stop it in the middle.
        self.tasks.spawn(async move { driver.drive(order).await.map(drop) }).await?
    }

    async fn existing(&self, order: OrderId, user: UserId) -> Result<Order, SaleError> {
        self.orders.find(order, user).await?.ok_or(SaleError::Refused(Refusal::NoOrder))
    }
}
