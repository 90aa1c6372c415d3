//! Drives an order with a payment: authorize, book, capture, and back where that fails.
//!
//! A request drives its own order, a webhook the one it is about, and the worker those that nobody drives. All do the
//! same: read the order and take the next step, which [`next()`] decides. Calls to Stripe repeat under the same key
//! without a second effect, and each transition in PostgreSQL takes effect for one of those who try it.

use std::sync::Arc;

use ids::OrderId;

use super::{SaleError, SaleMetrics, marks::Marks};
use crate::{
    orders::{
        Order, OrderPayment, OrderState, Orders, PaymentState, Reason,
        lifecycle::{Action, Answer, Ask, HAND_OVER, Learnt, PaymentStatus, Transition, next},
    },
    payments::{Authorization, Intent, IntentStatus, StripeError, StripePayments},
};

/// More steps than an order has: one that takes more of them does not come to rest.
const MOST_STEPS: usize = 12;

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The tickets are the buyer's, and paid.
    Booked,
    /// Nothing was sold.
    Cancelled(Option<Reason>),
    /// The customer must act.
    Waiting {
        /// What Stripe's client in the browser needs.
        client_secret: Option<String>,
    },
    /// The outcome is not known yet, or the order waits for a person.
    Unsettled,
}

/// Drives orders with a payment. Clones share all of it.
#[derive(Clone)]
pub(crate) struct PaymentDriver {
    orders: Orders,
    payments: Arc<StripePayments>,
    marks: Marks,
    metrics: SaleMetrics,
}

/// What Stripe answered to the last question.
#[derive(Default)]
struct Seen {
    intent: Option<String>,
    client_secret: Option<String>,
    error: Option<StripeError>,
}

impl PaymentDriver {
    pub(crate) fn new(orders: Orders, payments: Arc<StripePayments>, marks: Marks, metrics: SaleMetrics) -> Self {
        Self { orders, payments, marks, metrics }
    }

    pub(super) fn webhook_secret(&self) -> &str {
        &self.payments.webhook_secret
    }

    /// Drives the order as far as it goes now. A failure of Stripe is [`Settled::Unsettled`].
    pub(crate) async fn drive(&self, order: OrderId) -> Result<Settled, SaleError> {
        for _ in 0..MOST_STEPS {
            let Some(payment) = self.orders.payment_of(order).await? else {
                return Ok(Settled::Unsettled);
            };
            if let Some(settled) = self.step(&payment).await? {
                return Ok(settled);
            }
        }
        tracing::error!(%order, "the order does not come to rest");
        Ok(Settled::Unsettled)
    }

    /// What Stripe's client in the browser needs to go on with a payment that waits for its customer.
    pub(crate) async fn client_secret(&self, order: &Order) -> Result<Option<String>, SaleError> {
        if !order.waits_for_customer() {
            return Ok(None);
        }
        match self.orders.payment_of(order.id).await?.and_then(|payment| payment.intent) {
            Some(intent) => Ok(self.payments.api.intent(&intent).await?.client_secret),
            None => Ok(None),
        }
    }

    /// Takes one step. `None` when the order must be read again.
    async fn step(&self, payment: &OrderPayment) -> Result<Option<Settled>, SaleError> {
        let (order, progress, time_limit) = (payment.attempt.order, payment.progress(), self.payments.time_limit);
        let mut seen = Seen::default();
        let mut action = next(&progress, Learnt::Nothing, time_limit);
        if action != Action::Take(HAND_OVER) {
            self.marks.settle(payment.seats(), &payment.attempt).await?;
        }
        loop {
            let learnt = match action {
                Action::Ask(ask) => {
                    let answer;
                    (answer, seen) = self.ask(ask, payment).await;
                    Learnt::Answer(ask, answer)
                }
                Action::Book if self.orders.book(order).await? => return Ok(None),
                Action::Book => Learnt::TicketsLost,
                Action::Unbook => {
                    tracing::warn!(%order, "the money cannot be taken: the tickets are given back");
                    self.orders.unbook(order).await?;
                    return Ok(None);
                }
                Action::Take(transition) => {
                    self.take(payment, &transition, &seen).await?;
                    return Ok(None);
                }
                Action::WaitForCustomer { first } => {
                    if let Some(transition) = first {
                        self.take(payment, &transition, &seen).await?;
                    }
                    return Ok(Some(Settled::Waiting { client_secret: seen.client_secret }));
                }
                Action::Stop => {
                    self.count_fault(payment, &seen);
                    return Ok(Some(settled(payment)));
                }
                Action::StopUnsettled => {
                    self.count_fault(payment, &seen);
                    return Ok(Some(Settled::Unsettled));
                }
            };
            action = next(&progress, learnt, time_limit);
        }
    }

    async fn take(&self, payment: &OrderPayment, transition: &Transition, seen: &Seen) -> Result<(), SaleError> {
        let order = payment.attempt.order;
        if *transition == HAND_OVER {
            let (payment, intent) = (payment.payment, payment.intent.as_deref());
            tracing::error!(%order, ?payment, intent, "the order is stuck: a person must look at it");
            self.orders.hand_over(order, payment).await?;
            return Ok(());
        }
        self.orders.advance(order, transition, seen.intent.as_deref()).await?;
        Ok(())
    }

    async fn ask(&self, ask: Ask, payment: &OrderPayment) -> (Answer, Seen) {
        let (api, order, looks) = (&self.payments.api, payment.attempt.order, payment.looks);
        let intent = payment.intent.as_deref().unwrap_or_default();
        let answer = match ask {
            Ask::Authorize => api.authorize(authorization(payment)).await,
            Ask::LookUp => api.intent(intent).await,
            Ask::Capture => api.capture(intent, order, looks).await,
            Ask::Void => api.cancel(intent, order, looks).await,
            Ask::Refund => match api.refund(intent, order, looks).await {
                Ok(()) => return (Answer::GivenBack, Seen::default()),
                Err(error) => Err(error),
            },
        };
        match answer {
            Ok(Intent { id, status, client_secret }) => {
                let client_secret = client_secret.filter(|_| status == IntentStatus::RequiresAction);
                (Answer::Payment(payment_status(status)), Seen { intent: Some(id), client_secret, error: None })
            }
            Err(error) => {
                let intent = error.intent().map(str::to_owned);
                let answer = answer_of(payment.payment, &error);
                log_refusal(ask, answer, payment, &error);
                (answer, Seen { intent, client_secret: None, error: Some(error) })
            }
        }
    }

    /// Counts the failure of Stripe that stopped the driver, if one did.
    fn count_fault(&self, payment: &OrderPayment, seen: &Seen) {
        if let Some(error) = &seen.error {
            self.metrics.stripe_faults.inc();
            let (order, payment) = (payment.attempt.order, payment.payment);
            tracing::warn!(%error, %order, ?payment, "Stripe failed; the worker goes on");
        }
    }
}

/// What an error of Stripe's says about a payment in this state. While the money is not set aside, a declined card is an
/// answer to the customer, whatever the status of Stripe's answer. Later the order waits as long as a repeat can help.
fn answer_of(payment: PaymentState, error: &StripeError) -> Answer {
    let is_waiting = matches!(payment, PaymentState::Authorizing | PaymentState::RequiresAction);
    let is_named = error.intent().is_some();
    if error.is_decline() && (is_waiting || !error.is_transient()) {
        Answer::Declined { is_named }
    } else if error.is_transient() {
        Answer::Unknown
    } else {
        Answer::Refused { is_named }
    }
}

/// Logs why Stripe refuses. A payment that cannot be voided is looked up next, which tells more.
fn log_refusal(ask: Ask, answer: Answer, payment: &OrderPayment, error: &StripeError) {
    let (order, payment) = (payment.attempt.order, payment.payment);
    match (ask, answer) {
        (Ask::Capture, Answer::Declined { .. } | Answer::Refused { .. }) => {
            tracing::warn!(%error, %order, "Stripe does not capture the payment");
        }
        (Ask::Authorize | Ask::LookUp | Ask::Refund, Answer::Refused { .. }) => {
            tracing::error!(%error, %order, ?payment, "Stripe refuses a call about this payment");
        }
        _ => {}
    }
}

fn authorization(payment: &OrderPayment) -> Authorization<'_> {
    Authorization {
        order: payment.attempt.order,
        amount: payment.amount,
        currency: &payment.currency,
        customer: &payment.customer,
        method: &payment.method,
    }
}

fn payment_status(status: IntentStatus) -> PaymentStatus {
    match status {
        IntentStatus::RequiresPaymentMethod => PaymentStatus::NeedsMethod,
        IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction | IntentStatus::Processing => {
            PaymentStatus::Waiting
        }
        IntentStatus::RequiresCapture => PaymentStatus::SetAside,
        IntentStatus::Canceled => PaymentStatus::Ended,
        IntentStatus::Succeeded => PaymentStatus::Taken,
    }
}

fn settled(payment: &OrderPayment) -> Settled {
    match payment.state {
        OrderState::Booked | OrderState::Refunded => Settled::Booked,
        OrderState::Cancelled => Settled::Cancelled(payment.reason),
        OrderState::Pending | OrderState::Paying | OrderState::Stuck => Settled::Unsettled,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use rstest::rstest;

    use super::*;

    const DECLINED: Answer = Answer::Declined { is_named: false };
    const REFUSED: Answer = Answer::Refused { is_named: false };

    #[rstest]
    #[case::declined(PaymentState::Authorizing, 402, "card_error", DECLINED)]
    #[case::declined_with_a_passing_status(PaymentState::RequiresAction, 409, "card_error", DECLINED)]
    #[case::refused(PaymentState::Authorizing, 400, "invalid_request_error", REFUSED)]
    #[case::overloaded(PaymentState::Authorizing, 429, "invalid_request_error", Answer::Unknown)]
    #[case::capture_declined(PaymentState::Capturing, 402, "card_error", DECLINED)]
    #[case::capture_may_succeed_later(PaymentState::Capturing, 503, "card_error", Answer::Unknown)]
    #[case::void_may_succeed_later(PaymentState::Canceling, 429, "card_error", Answer::Unknown)]
    fn no_passing_fault_gives_tickets_back(
        #[case] payment: PaymentState,
        #[case] status: u16,
        #[case] kind: &str,
        #[case] expected: Answer,
    ) {
        let status = StatusCode::from_u16(status).expect("a status");
        let (code, message) = (String::new(), String::new());
        let error = StripeError::Refused { status, kind: kind.to_owned(), code, message, intent: None };
        assert_eq!(answer_of(payment, &error), expected);
    }
}
