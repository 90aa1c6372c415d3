//! Driving an order with a payment to its end: authorise, book, capture, and back where that fails.
//!
//! A request drives its own order, a webhook the one it is about, the worker those that nobody has brought on. All do the same:
//! look how far the order has come and take the next step. Calls to Stripe repeat under the same key without a second
//! effect, and each step in PostgreSQL takes effect for one of those who try it.

use ids::OrderId;

use crate::{
    booking::Booking,
    failure::Failure,
    orders::{
        OrderState,
        payment::{self, Checkout, PaymentState},
        reason,
        steps::{self, Step},
    },
    payments::{
        StripePayments,
        stripe::{Authorization, Intent, IntentStatus, StripeError},
    },
};

/// More steps than an order has: one that takes more goes in circles.
const MOST_STEPS: usize = 12;
/// The worker looks so often, some five hours, before it calls for a person.
const MOST_LOOKS: i32 = 35;

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The tickets are the buyer's, and paid.
    Booked,
    /// Nothing was sold; why.
    Cancelled(String),
    /// The buyer must act.
    Waiting {
        /// What Stripe's client in the browser needs.
        client_secret: Option<String>,
    },
    /// Not known yet, or waiting for a person.
    Unsettled,
}

/// What one look at an order led to.
enum Next {
    /// A step was taken by somebody: look again.
    Again,
    /// Nothing more can be done now.
    Done(Settled),
}

impl Booking {
    /// Drives the order as far as it goes now.
    ///
    /// # Errors
    /// When PostgreSQL or Redis fails. Faults of Stripe are [`Settled::Unsettled`].
    pub async fn drive(&self, payments: &StripePayments, order: OrderId) -> Result<Settled, Failure> {
        for _ in 0..MOST_STEPS {
            let Some(checkout) = payment::checkout(&self.postgres, order).await? else {
                return Ok(Settled::Unsettled);
            };
            match self.next(payments, &checkout).await? {
                Next::Again => {}
                Next::Done(settled) => return Ok(settled),
            }
        }
        tracing::error!(%order, "the order goes in circles");
        Ok(Settled::Unsettled)
    }

    async fn next(&self, payments: &StripePayments, checkout: &Checkout) -> Result<Next, Failure> {
        use PaymentState::{
            Authorized, Authorizing, Canceled, Canceling, Captured, Capturing, Declined, Failed, Refunded, Refunding,
            RequiresAction,
        };
        let order = checkout.sale.order;
        if checkout.looks > MOST_LOOKS && !checkout.payment.is_end() {
            return self.call_for_a_person(checkout).await;
        }
        match (checkout.payment, checkout.intent.as_deref()) {
            (Authorizing, _) => self.authorize(payments, checkout).await,
            (RequiresAction, Some(intent)) => {
                let seen = payments.api.intent(intent).await;
                self.after_intent(payments, checkout, seen).await
            }
            (Authorized, _) => {
                if steps::book(&self.postgres, order).await? {
                    return Ok(Next::Again);
                }
                self.step(order, &[Authorized], Canceling, Some((OrderState::Cancelled, reason::NOT_AVAILABLE))).await
            }
            (Capturing, Some(intent)) => self.capture(payments, checkout, intent).await,
            // It cost nothing: nobody was asked, and nothing is to be taken.
            (Capturing, None) => self.booked(order).await,
            (Canceling, _) => self.cancel(payments, checkout).await,
            (Refunding, Some(intent)) => {
                self.settle_marks(checkout).await?;
                match payments.api.refund(intent, order, checkout.looks).await {
                    Ok(()) => self.step(order, &[Refunding], Refunded, None).await,
                    Err(error) => Ok(self.unsettled(checkout, &error)),
                }
            }
            (Captured | Canceled | Declined | Refunded | Failed, _) => {
                self.settle_marks(checkout).await?;
                Ok(Next::Done(settled(checkout)))
            }
            (RequiresAction | Refunding, None) => self.call_for_a_person(checkout).await,
        }
    }

    async fn authorize(&self, payments: &StripePayments, checkout: &Checkout) -> Result<Next, Failure> {
        if checkout.age > payments.time {
            return self.expire(checkout).await;
        }
        self.after_intent(payments, checkout, payments.api.authorize(authorization(checkout)).await).await
    }

    /// What Stripe says of a payment that is not authorised yet, as far as we know.
    async fn after_intent(
        &self,
        payments: &StripePayments,
        checkout: &Checkout,
        seen: Result<Intent, StripeError>,
    ) -> Result<Next, Failure> {
        use PaymentState::{Authorized, Authorizing, Canceled, Refunding, RequiresAction};
        let intent = match seen {
            Ok(intent) => intent,
            Err(error) if error.is_decline() => return self.declined(checkout, error.intent(), reason::DECLINED).await,
            Err(error) if error.is_transient() => return Ok(self.unsettled(checkout, &error)),
            Err(error) => {
                tracing::error!(%error, order = %checkout.sale.order, "Stripe does not take this payment");
                return self.declined(checkout, error.intent(), reason::PAYMENT_FAILED).await;
            }
        };
        let id = Some(intent.id.as_str());
        let paying = Some((OrderState::Paying, None));
        match intent.status {
            IntentStatus::RequiresCapture => self.learn(checkout, id, Authorized, paying).await,
            IntentStatus::RequiresPaymentMethod => self.declined(checkout, id, reason::DECLINED).await,
            IntentStatus::Canceled => self.learn(checkout, id, Canceled, cancelled(reason::PAYMENT_CANCELED)).await,
            // Taken by hand before anything was booked: it goes back.
            IntentStatus::Succeeded => self.learn(checkout, id, Refunding, cancelled(reason::PAYMENT_CANCELED)).await,
            IntentStatus::RequiresAction | IntentStatus::RequiresConfirmation | IntentStatus::Processing => {
                if checkout.payment == Authorizing {
                    self.learn(checkout, id, RequiresAction, paying).await?;
                }
                if checkout.age > payments.time {
                    return self.expire(checkout).await;
                }
                let client_secret = intent.client_secret.filter(|_| intent.status == IntentStatus::RequiresAction);
                Ok(Next::Done(Settled::Waiting { client_secret }))
            }
        }
    }

    /// A payment that is known to Stripe is ended there too, or the customer's browser could still go on with it.
    async fn declined(&self, checkout: &Checkout, intent: Option<&str>, why: &str) -> Result<Next, Failure> {
        let known = intent.is_some() || checkout.intent.is_some();
        let to = if known { PaymentState::Canceling } else { PaymentState::Declined };
        self.learn(checkout, intent, to, cancelled(why)).await
    }

    async fn capture(&self, payments: &StripePayments, checkout: &Checkout, intent: &str) -> Result<Next, Failure> {
        let order = checkout.sale.order;
        let refused = match payments.api.capture(intent, order, checkout.looks).await {
            Ok(Intent { status: IntentStatus::Succeeded, .. }) => return self.booked(order).await,
            Ok(_) => return Ok(Next::Done(Settled::Unsettled)),
            Err(error) if error.is_transient() => return Ok(self.unsettled(checkout, &error)),
            Err(error) => error,
        };
        // Refused for good, unless an earlier call, whose answer was lost, took the money.
        match payments.api.intent(intent).await {
            Ok(Intent { status: IntentStatus::Succeeded, .. }) => self.booked(order).await,
            Ok(_) => {
                tracing::warn!(error = %refused, %order, "the money cannot be taken: the tickets are given back");
                steps::unbook(&self.postgres, order, reason::CAPTURE_FAILED).await?;
                Ok(Next::Again)
            }
            Err(error) => Ok(self.unsettled(checkout, &error)),
        }
    }

    async fn booked(&self, order: OrderId) -> Result<Next, Failure> {
        use PaymentState::{Captured, Capturing};
        let step = Step { from: &[Capturing], to: Captured, order: Some((OrderState::Booked, None)), intent: None };
        steps::take(&self.postgres, order, step).await?;
        Ok(Next::Again)
    }

    /// Lets go of what may be set aside. Whoever asked hears at once that nothing was sold; the worker ends what fails here.
    async fn cancel(&self, payments: &StripePayments, checkout: &Checkout) -> Result<Next, Failure> {
        use PaymentState::{Canceled, Canceling, Refunding};
        let order = checkout.sale.order;
        self.settle_marks(checkout).await?;
        let Some(intent) = &checkout.intent else {
            if checkout.amount == 0 {
                return self.step(order, &[Canceling], Canceled, None).await;
            }
            // Whether there is a payment is not known: the same call finds it, or makes one that is ended next.
            return match payments.api.authorize(authorization(checkout)).await {
                Ok(intent) => {
                    let step = Step { from: &[Canceling], to: Canceling, order: None, intent: Some(&intent.id) };
                    steps::take(&self.postgres, order, step).await?;
                    Ok(Next::Again)
                }
                Err(error) if error.is_transient() => Ok(self.left_to_the_worker(checkout, &error)),
                Err(_) => self.step(order, &[Canceling], Canceled, None).await,
            };
        };
        let seen = match payments.api.cancel(intent, order, checkout.looks).await {
            Err(error) if !error.is_transient() => payments.api.intent(intent).await,
            seen => seen,
        };
        match seen {
            Ok(Intent { status: IntentStatus::Canceled, .. }) => self.step(order, &[Canceling], Canceled, None).await,
            Ok(Intent { status: IntentStatus::Succeeded, .. }) => self.step(order, &[Canceling], Refunding, None).await,
            Ok(_) => Ok(Next::Done(settled(checkout))),
            Err(error) => Ok(self.left_to_the_worker(checkout, &error)),
        }
    }

    async fn expire(&self, checkout: &Checkout) -> Result<Next, Failure> {
        use PaymentState::{Authorizing, Canceling, RequiresAction};
        let order = Some((OrderState::Cancelled, reason::EXPIRED));
        self.step(checkout.sale.order, &[Authorizing, RequiresAction], Canceling, order).await
    }

    async fn learn(
        &self,
        checkout: &Checkout,
        intent: Option<&str>,
        to: PaymentState,
        order: Option<(OrderState, Option<&str>)>,
    ) -> Result<Next, Failure> {
        let from = &[PaymentState::Authorizing, PaymentState::RequiresAction];
        steps::take(&self.postgres, checkout.sale.order, Step { from, to, order, intent }).await?;
        Ok(Next::Again)
    }

    async fn step(
        &self,
        order: OrderId,
        from: &[PaymentState],
        to: PaymentState,
        becomes: Option<(OrderState, &str)>,
    ) -> Result<Next, Failure> {
        let becomes = becomes.map(|(state, reason)| (state, Some(reason)));
        steps::take(&self.postgres, order, Step { from, to, order: becomes, intent: None }).await?;
        Ok(Next::Again)
    }

    async fn call_for_a_person(&self, checkout: &Checkout) -> Result<Next, Failure> {
        let (order, payment) = (checkout.sale.order, checkout.payment);
        tracing::error!(%order, ?payment, intent = checkout.intent, "the order is stuck: somebody must look at it");
        let step = Step {
            from: &[payment],
            to: PaymentState::Failed,
            order: Some((OrderState::Stuck, checkout.reason.as_deref())),
            intent: None,
        };
        steps::take(&self.postgres, order, step).await?;
        Ok(Next::Done(Settled::Unsettled))
    }

    fn unsettled(&self, checkout: &Checkout, error: &StripeError) -> Next {
        self.metrics.stripe_faults.inc();
        tracing::warn!(%error, order = %checkout.sale.order, payment = ?checkout.payment, "Stripe failed; the worker goes on");
        Next::Done(Settled::Unsettled)
    }

    fn left_to_the_worker(&self, checkout: &Checkout, error: &StripeError) -> Next {
        self.unsettled(checkout, error);
        Next::Done(settled(checkout))
    }
}

fn cancelled(why: &str) -> Option<(OrderState, Option<&str>)> {
    Some((OrderState::Cancelled, Some(why)))
}

fn authorization(checkout: &Checkout) -> Authorization<'_> {
    Authorization {
        order: checkout.sale.order,
        amount: checkout.amount,
        currency: &checkout.currency,
        customer: &checkout.customer,
        method: &checkout.method,
    }
}

fn settled(checkout: &Checkout) -> Settled {
    match checkout.state {
        OrderState::Booked | OrderState::Refunded => Settled::Booked,
        OrderState::Cancelled => Settled::Cancelled(checkout.reason.clone().unwrap_or_default()),
        OrderState::Pending | OrderState::Paying | OrderState::Stuck => Settled::Unsettled,
    }
}
