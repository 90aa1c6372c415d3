//! Checking out: the hold becomes a sale, the payment is taken, PostgreSQL decides, the seats are marked.
//!
//! 1. Redis turns the live hold into `selling`, which no expiry ends, under the order's name. The owner's second call joins
//!    the order under way instead.
//! 2. The order comes to its end: at once where nothing is paid ([`crate::orders::sale`]), step by step where something is
//!    ([`crate::drive`]).
//! 3. Redis learns the decision: `booked`, or what is left of the hold comes back.
//!
//! Whatever fails after step 1 leaves the mark standing: a repeat by the customer joins the order and finishes it, and
//! otherwise the sweeper does. Nobody guesses: the mark is only ever ended by a decision that PostgreSQL has committed.

use ids::{EventId, HoldId, OrderId, PaymentMethodId, TicketId, UserId};
use seats::{BeginSale, NotSellable, SaleAttempt};

use crate::{
    booking::Booking,
    drive::Settled,
    failure::{Failure, Refusal},
    orders::{
        self, OrderState,
        decision::{Decision, Purchase},
        idempotency::{self, Key, Operation, Seen},
        payment, reason,
    },
    payments::{Payments, StripePayments, methods},
};

/// Who wants to buy what, and how it is paid.
#[derive(Debug, Clone)]
struct Basket {
    event: EventId,
    tickets: Vec<TicketId>,
    user: UserId,
    purchase: Purchase,
}

impl Booking {
    /// Sells the ticket to the user who holds it. Once sold, the buyer's repeat succeeds as well: it asks for what is there.
    ///
    /// # Errors
    /// See [`Failure`]. After a failure of a store the ticket may have been sold; asking again tells.
    pub async fn confirm(
        &self,
        ticket: TicketId,
        user: UserId,
        payment_method: PaymentMethodId,
    ) -> Result<(), Failure> {
        let purchase = Purchase { payment_method, hold: None, currency: self.currency, key: None };
        let booking = self.clone();
        self.outlive(async move {
            let event = booking.catalog.event_of(ticket).await?.ok_or(Failure::Refused(Refusal::Unknown))?;
            let basket = Basket { event, tickets: vec![ticket], user, purchase };
            booking.buy(basket).await.map(drop)
        })
        .await
    }

    /// Sells all tickets of the hold to the user who has it, or none. Returns the order. Under a key that was used before, the order
    /// that came of it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn order(
        &self,
        hold: HoldId,
        user: UserId,
        payment_method: PaymentMethodId,
        key: Option<String>,
    ) -> Result<OrderId, Failure> {
        let request = [hold.to_string(), user.to_string(), payment_method.to_string()];
        let key = key.map(|text| Key::new(text, &request.each_ref().map(String::as_str)));
        let purchase = Purchase { payment_method, hold: Some(hold), currency: self.currency, key };
        let booking = self.clone();
        self.outlive(async move {
            if let Some(order) = booking.order_under(user, Operation::Order, purchase.key.as_ref()).await? {
                return booking.go_on_with(order).await;
            }
            let basket = match booking.show_hold(hold, user).await {
                // All or nothing: who wanted four seats side by side does not want three of them.
                Ok(found) if found.lost => return Err(Failure::Refused(Refusal::NotHeld)),
                Ok(found) => Basket { event: found.event, tickets: found.tickets, user, purchase },
                // Another call under the same key may have sold it in between.
                Err(Failure::Refused(Refusal::NoHold)) => {
                    let order = booking.order_under(user, Operation::Order, purchase.key.as_ref()).await?;
                    return order.ok_or(Failure::Refused(Refusal::NotHeld));
                }
                Err(failure) => return Err(failure),
            };
            booking.buy(basket).await
        })
        .await
    }

    /// Runs to its end in a task of its own: a client that goes away must not stop a sale in the middle.
    async fn outlive<T: Send + 'static>(
        &self,
        sale: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let booking = self.clone();
        let sale = self.sales.spawn(async move {
            let outcome = sale.await;
            booking.metrics.confirmed(&outcome);
            outcome
        });
        sale.await?
    }

    async fn buy(&self, basket: Basket) -> Result<OrderId, Failure> {
        if let Payments::Stripe(_) = &self.payments {
            let method = basket.purchase.payment_method;
            if !methods::belongs_to(&self.postgres, method, basket.user).await? {
                return Err(Failure::Refused(Refusal::PaymentMethod));
            }
        }
        let Basket { event, tickets, user, purchase } = basket;
        let mut sale = SaleAttempt { event, user, order: OrderId::by_time(), tickets };
        match seats::begin_sale(&mut self.redis.clone(), &sale).await? {
            BeginSale::Begun => {}
            BeginSale::Joined { order } => sale.order = order,
            BeginSale::Refused { because: NotSellable::OtherSale, .. } => {
                return Err(Failure::Refused(Refusal::Selling));
            }
            BeginSale::Refused { .. } => return self.repeat_of_a_sale(&sale, &purchase).await,
        }
        let selling = self.metrics.sale_seconds.start_timer();
        let outcome = match &self.payments {
            Payments::Free => self.sell(&sale, &purchase).await,
            Payments::Stripe(payments) => self.pay(payments, &sale, &purchase).await,
        };
        if outcome.is_ok() {
            selling.observe_duration();
        } else {
            selling.stop_and_discard();
        }
        outcome.map(|()| sale.order)
    }

    async fn repeat_of_a_sale(&self, sale: &SaleAttempt, purchase: &Purchase) -> Result<OrderId, Failure> {
        if let Some(order) = self.order_under(sale.user, Operation::Order, purchase.key.as_ref()).await? {
            return Ok(order);
        }
        let order = orders::order_that_sold(&self.postgres, &sale.tickets, sale.user).await?;
        order.ok_or(Failure::Refused(Refusal::NotHeld))
    }

    /// Sells without a payment.
    async fn sell(&self, sale: &SaleAttempt, purchase: &Purchase) -> Result<(), Failure> {
        let decision = self.till.sell(sale, purchase).await?;
        if decision.state == OrderState::Booked {
            self.mark_sold(sale).await;
            return Ok(());
        }
        self.not_sold(sale, decision).await
    }

    /// Sells with a payment.
    async fn pay(&self, payments: &StripePayments, sale: &SaleAttempt, purchase: &Purchase) -> Result<(), Failure> {
        let decision = payment::place(&self.postgres, sale, purchase).await?;
        if decision.state == OrderState::Cancelled {
            return self.not_sold(sale, decision).await;
        }
        outcome(sale.order, self.drive(payments, sale.order).await?)
    }

    /// An order that was there already is brought on, and tells what became of it.
    async fn go_on_with(&self, order: OrderId) -> Result<OrderId, Failure> {
        if let Payments::Stripe(payments) = &self.payments
            && payment::checkout(&self.postgres, order).await?.is_some()
        {
            outcome(order, self.drive(payments, order).await?)?;
        }
        Ok(order)
    }

    /// The order that an earlier call under this key led to.
    pub(crate) async fn order_under(
        &self,
        user: UserId,
        operation: Operation,
        key: Option<&Key>,
    ) -> Result<Option<OrderId>, Failure> {
        let Some(key) = key else { return Ok(None) };
        match idempotency::look_up(&self.postgres, user, operation, key).await? {
            Seen::Never => Ok(None),
            Seen::Same(order) => Ok(Some(order)),
            Seen::Other => Err(Failure::Refused(Refusal::KeyReused)),
        }
    }

    async fn not_sold(&self, sale: &SaleAttempt, decision: Decision) -> Result<(), Failure> {
        if decision.reason.as_deref() == Some(reason::NOT_AVAILABLE) {
            self.give_up_and_release(sale).await?;
            return Err(Failure::Refused(Refusal::Sold));
        }
        // Given up by the worker while it was under way. What is left of the hold is back, and the next call tells.
        seats::cancel_sale(&mut self.redis.clone(), sale).await?;
        Err(Failure::GivenUp)
    }
}

fn outcome(order: OrderId, settled: Settled) -> Result<(), Failure> {
    match settled {
        Settled::Booked => Ok(()),
        Settled::Waiting { client_secret } => Err(Failure::ActionRequired { order, client_secret }),
        Settled::Unsettled => Err(Failure::Unsettled { order }),
        Settled::Cancelled(why) => Err(match why.as_str() {
            reason::DECLINED | reason::CAPTURE_FAILED | reason::PAYMENT_FAILED => Failure::Declined,
            reason::NOT_AVAILABLE => Failure::Refused(Refusal::Sold),
            reason::ABANDONED => Failure::GivenUp,
            _ => Failure::Refused(Refusal::NotHeld),
        }),
    }
}
