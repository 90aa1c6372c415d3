//! A shop that is paid through Stripe.

use booking::Settings;
use fake_stripe::{FakeStripe, Payment};
use reqwest::Method;
use serde_json::json;
use testbed::{
    eventually,
    given::{Event, Ticket},
};
use uuid::Uuid;

use crate::{
    customer::{Answer, Customer},
    holds::hold,
    orders::{order_body, show_order},
    service::Service,
};

pub(crate) const PRICE: i64 = testbed::given::PRICE;

/// A shop that is paid through Stripe, with two seats and a customer.
pub(crate) struct Shop {
    pub stripe: FakeStripe,
    pub service: Service,
    pub event: Event,
    pub tickets: Vec<Ticket>,
    pub customer: Customer,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(|settings| settings).await
    }

    pub(crate) async fn open_with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let stripe = FakeStripe::start().await;
        let service = Service::start_with_stripe(&stripe, change).await;
        let (event, tickets) = service.given_event_with_seats(2).await;
        let customer = service.customer();
        Self { stripe, service, event, tickets, customer }
    }

    pub(crate) async fn saved_card(&self, card: &str) -> String {
        save(&self.customer, &format!("{card}_{}", Uuid::new_v4().simple())).await
    }

    pub(crate) async fn order(&self, method: &str) -> Answer {
        let held = hold(&self.customer, &self.event, &self.tickets).await;
        let body = order_body(&self.customer, &held.body["hold_uuid"], method);
        self.customer.call(Method::POST, "orders", Some(&body)).await
    }

    pub(crate) async fn confirm(&self, method: &str) -> Answer {
        let body = json!({"ticket_uuid": self.tickets[0].uuid, "user_uuid": self.customer.uuid,
                          "payment_method_uuid": method});
        self.customer.post("confirm", &body).await
    }

    pub(crate) fn payment(&self) -> Payment {
        let mut payments = self.stripe.payments();
        assert_eq!(payments.len(), 1, "{payments:?}");
        payments.remove(0)
    }

    pub(crate) async fn nothing_is_sold(&self) {
        for ticket in &self.tickets {
            assert_eq!(self.service.stores.status(ticket).await, "available");
        }
    }

    /// Makes every open order due, so that the worker drives it at once.
    pub(crate) async fn make_the_worker_look(&self) {
        sqlx::query("UPDATE payment_attempts SET next_look_at = now() WHERE next_look_at IS NOT NULL")
            .execute(self.service.stores.pool())
            .await
            .expect("PostgreSQL answers");
    }

    pub(crate) async fn order_gets(&self, order: &str, state: &str) {
        let what = format!("the order is {state}");
        eventually(&what, async || {
            self.make_the_worker_look().await;
            show_order(&self.customer, order).await.body["state"] == state
        })
        .await;
    }

    pub(crate) async fn payment_gets(&self, what: &str, is_so: impl Fn(&Payment) -> bool) {
        eventually(what, async || {
            self.make_the_worker_look().await;
            is_so(&self.payment())
        })
        .await;
    }
}

pub(crate) fn order_of(answer: &Answer) -> String {
    answer.body["order_uuid"].as_str().expect("an order").to_owned()
}

pub(crate) async fn save(customer: &Customer, reference: &str) -> String {
    let body = json!({"user_uuid": customer.uuid, "provider_reference": reference});
    let saved = customer.call(Method::POST, "payment-methods", Some(&body)).await;
    assert_eq!(saved.status, 201, "{saved:?}");
    saved.body["payment_method_uuid"].as_str().expect("a method").to_owned()
}
