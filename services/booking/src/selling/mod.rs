//! Checking out: the hold becomes a sale, the payment is taken, PostgreSQL decides, the seats are marked.
//!
//! 1. Redis turns the live hold into `selling`, which no expiry ends, under the id of the order to come. The owner's
//!    second call joins the order under way instead.
//! 2. The order comes to its end: at once where nothing is paid ([`free`]), step by step where something is ([`paid`]).
//! 3. Redis learns the decision: `booked`, or what is left of the hold comes back.
//!
//! Whatever fails after step 1 leaves the mark in place. A repeat by the customer joins the order and finishes it;
//! otherwise the sweeper does. Only a decision that PostgreSQL has committed ends the mark.

mod error;
mod free;
mod marks;
mod metrics;
mod paid;
mod payment_methods;
mod undo;
mod webhook;

use std::sync::Arc;

use ids::{EventId, HoldId, OrderId, PaymentMethodId, TicketId, UserId};
use redis::aio::ConnectionManager;
use seats::{BeginSale, NotSellable, SaleAttempt};
use tokio_util::task::TaskTracker;

pub use self::free::FreeOrderWriter;
use self::paid::Settled;
pub(crate) use self::{
    error::SaleError, marks::Marks, metrics::SaleMetrics, paid::PaymentDriver, payment_methods::PaymentMethods,
    webhook::WebhookEvent,
};
use crate::{
    holding::{HoldError, Holds},
    orders::{
        Decision, OrderState, Orders, Purchase, Reason,
        idempotency::{Key, Operation, Seen},
        lifecycle::SeatsAfter,
    },
    refusal::Refusal,
};

/// What one checkout is about.
#[derive(Debug, Clone)]
struct Basket {
    event: EventId,
    tickets: Vec<TicketId>,
    user: UserId,
    purchase: Purchase,
}

/// Sells what is held.
pub(crate) struct Checkout {
    pub(crate) redis: ConnectionManager,
    pub(crate) holds: Arc<Holds>,
    pub(crate) orders: Orders,
    pub(crate) marks: Marks,
    pub(crate) free_orders: FreeOrderWriter,
    /// Takes payments; `None` where tickets cost nothing.
    pub(crate) driver: Option<PaymentDriver>,
    pub(crate) methods: PaymentMethods,
    /// The currency of all prices: ISO 4217, lower case.
    pub(crate) currency: &'static str,
    pub(crate) metrics: SaleMetrics,
    /// Sales under way, which outlive the requests that began them.
    pub(crate) tasks: TaskTracker,
}

impl Checkout {
    /// Sells the ticket to the user who holds it. Once it is sold, the buyer's repeat succeeds too.
    pub(crate) async fn confirm(
        self: &Arc<Self>,
        ticket: TicketId,
        user: UserId,
        payment_method: PaymentMethodId,
    ) -> Result<(), SaleError> {
        let purchase = Purchase { payment_method, hold: None, currency: self.currency, key: None };
        let checkout = Arc::clone(self);
        self.detached(async move {
            let event = checkout.holds.event_of(ticket).await?;
            checkout.buy(Basket { event, tickets: vec![ticket], user, purchase }).await.map(drop)
        })
        .await
    }

    /// Sells all tickets of the hold to the user who has it, or none. Returns the order; under a key that was used
    /// before, the order that the first call led to.
    pub(crate) async fn order(
        self: &Arc<Self>,
        hold: HoldId,
        user: UserId,
        payment_method: PaymentMethodId,
        key: Option<String>,
    ) -> Result<OrderId, SaleError> {
        let request = [hold.to_string(), user.to_string(), payment_method.to_string()];
        let key = key.map(|text| Key::new(text, &request.each_ref().map(String::as_str)));
        let purchase = Purchase { payment_method, hold: Some(hold), currency: self.currency, key };
        let checkout = Arc::clone(self);
        self.detached(async move {
            if let Some(order) = checkout.order_under(user, Operation::Order, purchase.key.as_ref()).await? {
                return checkout.resume_and_tell(order).await;
            }
            let basket = match checkout.holds.show(hold, user).await {
                // All or nothing: a customer who wants four seats side by side does not want three of them.
                Ok(found) if found.lost => return Err(SaleError::Refused(Refusal::NotHeld)),
                Ok(found) => Basket { event: found.event, tickets: found.tickets, user, purchase },
                // Another call under the same key may have sold it in between.
                Err(HoldError::Refused(Refusal::NoHold)) => {
                    let order = checkout.order_under(user, Operation::Order, purchase.key.as_ref()).await?;
                    return order.ok_or(SaleError::Refused(Refusal::NotHeld));
                }
                Err(error) => return Err(error.into()),
            };
            checkout.buy(basket).await
        })
        .await
    }

    /// Runs a sale to its end in a task of its own: a client that goes away must not stop it in the middle.
    async fn detached<T: Send + 'static>(
        self: &Arc<Self>,
        sale: impl Future<Output = Result<T, SaleError>> + Send + 'static,
    ) -> Result<T, SaleError> {
        let checkout = Arc::clone(self);
        let sale = self.tasks.spawn(async move {
            let outcome = sale.await;
            checkout.metrics.count(&outcome);
            outcome
        });
        sale.await?
    }

    async fn buy(&self, basket: Basket) -> Result<OrderId, SaleError> {
        let Basket { event, tickets, user, purchase } = basket;
        if self.driver.is_some() && !self.methods.belongs_to(purchase.payment_method, user).await? {
            return Err(SaleError::Refused(Refusal::PaymentMethod));
        }
        let mut attempt = SaleAttempt { event, user, order: OrderId::by_time(), tickets };
        match seats::begin_sale(&mut self.redis.clone(), &attempt).await? {
            BeginSale::Begun => {}
            BeginSale::Joined { order } => attempt.order = order,
            BeginSale::Refused { because: NotSellable::OtherSale, .. } => {
                return Err(SaleError::Refused(Refusal::Selling));
            }
            BeginSale::Refused { .. } => return self.repeat_of_a_sale(&attempt, &purchase).await,
        }
        let timer = self.metrics.sale_seconds.start_timer();
        let outcome = match &self.driver {
            None => self.sell_free(&attempt, &purchase).await,
            Some(driver) => self.sell_paid(driver, &attempt, &purchase).await,
        };
        if outcome.is_ok() {
            timer.observe_duration();
        } else {
            timer.stop_and_discard();
        }
        outcome.map(|()| attempt.order)
    }

    async fn repeat_of_a_sale(&self, attempt: &SaleAttempt, purchase: &Purchase) -> Result<OrderId, SaleError> {
        if let Some(order) = self.order_under(attempt.user, Operation::Order, purchase.key.as_ref()).await? {
            return Ok(order);
        }
        let order = self.orders.find_booked(&attempt.tickets, attempt.user).await?;
        order.ok_or(SaleError::Refused(Refusal::NotHeld))
    }

    async fn sell_free(&self, attempt: &SaleAttempt, purchase: &Purchase) -> Result<(), SaleError> {
        let decision = self.free_orders.sell(attempt, purchase).await?;
        if decision.state == OrderState::Booked {
            self.marks.book(attempt).await;
            return Ok(());
        }
        self.not_sold(attempt, decision).await
    }

    async fn sell_paid(
        &self,
        driver: &PaymentDriver,
        attempt: &SaleAttempt,
        purchase: &Purchase,
    ) -> Result<(), SaleError> {
        let decision = self.orders.place(attempt, purchase).await?;
        if decision.state == OrderState::Cancelled {
            return self.not_sold(attempt, decision).await;
        }
        outcome(attempt.order, driver.drive(attempt.order).await?)
    }

    /// Goes on with an order that an earlier call placed, and tells its outcome.
    async fn resume_and_tell(&self, order: OrderId) -> Result<OrderId, SaleError> {
        if let Some(driver) = &self.driver
            && self.orders.payment_of(order).await?.is_some()
        {
            outcome(order, driver.drive(order).await?)?;
        }
        Ok(order)
    }

    /// The order that an earlier call under this key led to.
    async fn order_under(
        &self,
        user: UserId,
        operation: Operation,
        key: Option<&Key>,
    ) -> Result<Option<OrderId>, SaleError> {
        let Some(key) = key else { return Ok(None) };
        match self.orders.find_key(user, operation, key).await? {
            Seen::Never => Ok(None),
            Seen::Same(order) => Ok(Some(order)),
            Seen::Other => Err(SaleError::Refused(Refusal::KeyReused)),
        }
    }

    /// Ends a sale that was decided against before it was paid.
    async fn not_sold(&self, attempt: &SaleAttempt, decision: Decision) -> Result<(), SaleError> {
        if SeatsAfter::of(OrderState::Cancelled, decision.reason) == SeatsAfter::HoldReleased {
            self.marks.settle(SeatsAfter::HoldReleased, attempt).await?;
            return Err(SaleError::Refused(Refusal::Sold));
        }
        // The sweeper gave it up while it was under way. What is left of the hold is back, and the next call tells.
        self.marks.settle(SeatsAfter::HoldRestored, attempt).await?;
        Err(SaleError::GivenUp)
    }
}

fn outcome(order: OrderId, settled: Settled) -> Result<(), SaleError> {
    match settled {
        Settled::Booked => Ok(()),
        Settled::Waiting { client_secret } => Err(SaleError::ActionRequired { order, client_secret }),
        Settled::Unsettled => Err(SaleError::Unsettled { order }),
        Settled::Cancelled(reason) => Err(match reason {
            Some(Reason::Declined | Reason::CaptureFailed | Reason::PaymentFailed) => SaleError::Declined,
            Some(Reason::NotAvailable) => SaleError::Refused(Refusal::Sold),
            Some(Reason::Abandoned) => SaleError::GivenUp,
            Some(Reason::Expired | Reason::Requested | Reason::PaymentCanceled) | None => {
                SaleError::Refused(Refusal::NotHeld)
            }
        }),
    }
}
