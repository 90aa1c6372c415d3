//! What a buyer does with an order: looks at it, cancels one that is under way, gives a booked one back.

use ids::{OrderId, UserId};
use kit::http::Page;

use crate::{
    booking::Booking,
    failure::{Failure, Refusal},
    orders::{
        OrderState,
        idempotency::{Key, Operation},
        payment,
        payment::PaymentState,
        read::{self, Order},
        reason,
        refund::refund,
        steps::{self, Step},
    },
    payments::Payments,
};

impl Booking {
    /// An order of this user's.
    ///
    /// # Errors
    /// When the user has no such order, or PostgreSQL fails.
    pub async fn show_order(&self, order: OrderId, user: UserId) -> Result<Order, Failure> {
        let found = read::order(&self.postgres, order).await?.filter(|order| order.user == user);
        found.ok_or(Failure::Refused(Refusal::NoOrder))
    }

    /// A page of the user's orders, newest first, and how many there are in all. `page` counts from 1.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn list_orders(&self, user: UserId, page: Page) -> Result<(Vec<Order>, i64), Failure> {
        Ok(read::orders_of(&self.postgres, user, page.offset().into(), page.size.into()).await?)
    }

    /// Cancels an order whose payment is under way. One that is cancelled already stays so.
    ///
    /// # Errors
    /// When the user has no such order, it is booked (or about to be), or a store fails.
    pub async fn cancel_order(&self, order: OrderId, user: UserId) -> Result<Order, Failure> {
        use PaymentState::{Authorized, Authorizing, Canceling, RequiresAction};
        let found = self.show_order(order, user).await?;
        if found.state != OrderState::Cancelled {
            let becomes = Some((OrderState::Cancelled, Some(reason::REQUESTED)));
            let step =
                Step { from: &[Authorizing, RequiresAction, Authorized], to: Canceling, order: becomes, intent: None };
            if !steps::take(&self.postgres, order, step).await? {
                return Err(Failure::Refused(Refusal::NotCancellable));
            }
        }
        self.bring_on(order).await?;
        self.show_order(order, user).await
    }

    /// Gives a booked order back: the tickets are for sale again, and the money is given back.
    ///
    /// # Errors
    /// When the user has no such order, it is not booked or its event is over, the key came with another request, or a
    /// store fails.
    pub async fn refund_order(&self, order: OrderId, user: UserId, key: Option<String>) -> Result<Order, Failure> {
        let key = key.map(|text| Key::new(text, &[&order.to_string(), &user.to_string()]));
        self.show_order(order, user).await?;
        if self.order_under(user, Operation::Refund, key.as_ref()).await?.is_none() {
            let refunded = match refund(&self.postgres, order, user, key.as_ref()).await {
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                    // Another call came under the key just now; if it was for the same order, that call gave it back.
                    self.order_under(user, Operation::Refund, key.as_ref()).await?.is_some()
                }
                refunded => refunded?,
            };
            // Without a key, too, a repeat asks for what is done.
            if !refunded && self.show_order(order, user).await?.state != OrderState::Refunded {
                return Err(Failure::Refused(Refusal::NotRefundable));
            }
        }
        self.bring_on(order).await?;
        let order = self.show_order(order, user).await?;
        if let Some(attempt) = order.attempt() {
            self.mark_available(&attempt).await;
        }
        Ok(order)
    }

    /// What Stripe's client in the browser needs to go on with the payment of an order that waits for its customer.
    ///
    /// # Errors
    /// When Stripe does not answer.
    pub async fn client_secret(&self, order: &Order) -> Result<Option<String>, Failure> {
        let waiting = order.payment_state.as_deref() == Some(PaymentState::RequiresAction.as_str());
        let (Payments::Stripe(payments), true) = (&self.payments, waiting) else { return Ok(None) };
        let intent = payment::checkout(&self.postgres, order.uuid).await?.and_then(|checkout| checkout.intent);
        match intent {
            Some(intent) => Ok(payments.api.intent(&intent).await?.client_secret),
            None => Ok(None),
        }
    }

    /// Goes on with the payment of an order; the worker ends what fails.
    pub(crate) fn bring_on_in_background(&self, order: OrderId) {
        let booking = self.clone();
        self.sales.spawn(async move {
            if let Err(error) = booking.bring_on(order).await {
                tracing::warn!(%error, %order, "the order could not be brought on");
            }
        });
    }

    /// Goes on with the payment of an order, if it has one, as a task of its own; the worker ends what fails.
    async fn bring_on(&self, order: OrderId) -> Result<(), Failure> {
        let Payments::Stripe(payments) = &self.payments else { return Ok(()) };
        if payment::checkout(&self.postgres, order).await?.is_none() {
            return Ok(());
        }
        let (booking, payments) = (self.clone(), payments.clone());
        // A task of its own: a client that goes away must not stop it in the middle.
        self.sales.spawn(async move { booking.drive(&payments, order).await.map(drop) }).await?
    }
}
