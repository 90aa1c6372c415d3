//! Buying several seats at once: a hold, and an order for all of its tickets.

use rand::Rng;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    behaviour::{Behaviour, Card, percent},
    shop::{About, Answer, text},
    visit::Visit,
};
use crate::history::{Call, Outcome};

const TRIES: usize = 8;
/// Number of looks at an order that waits for its customer. Together they take longer than the customer does.
const LOOKS: usize = 30;
/// Percentage of holds that are released.
const RELEASED_PERCENT: u32 = 6;
/// Percentage of holds that are extended before the order.
const EXTENDED_PERCENT: u32 = 25;
/// Percentage of pending orders that are cancelled.
const CANCELLED_PERCENT: u32 = 20;
/// Percentage of booked orders that are refunded.
const REFUNDED_PERCENT: u32 = 8;
/// Percentage of customers with a declined card who try another one.
const ANOTHER_CARD_PERCENT: u32 = 60;

impl Visit<'_> {
    /// Holds the seats and orders them.
    pub(crate) async fn buy_multiple_seats(&mut self) {
        let asked = Instant::now();
        let Some(hold) = self.hold().await else { return };
        let user = format!("?user_uuid={}", self.customer.uuid);
        if percent(self.random, RELEASED_PERCENT) {
            let replica = self.replica();
            self.shop.delete(self.about(Call::Release), replica, &format!("holds/{hold}{user}")).await;
            return;
        }
        let behaviour = self.think(asked).await;
        if behaviour == Behaviour::Leaves {
            return;
        }
        if percent(self.random, EXTENDED_PERCENT) {
            self.extend(&hold).await;
        }
        let mut order = self.order(&hold).await;
        if order.outcome == Some(Outcome::Declined) && percent(self.random, ANOTHER_CARD_PERCENT) {
            self.card = Card::Good;
            order = self.order(&hold).await;
        }
        let Some(uuid) = text(&order.body, "order_uuid") else { return };
        let mut outcome = order.outcome;
        if outcome == Some(Outcome::Pending) {
            outcome = self.follow(&uuid).await;
        }
        if outcome == Some(Outcome::Ok) {
            self.bought().await;
            if percent(self.random, REFUNDED_PERCENT) {
                self.refund(&uuid).await;
            }
        }
    }

    async fn hold(&mut self) -> Option<String> {
        let event = self.market.event(&self.offer).uuid.clone();
        let body = json!({"event_uuid": event, "user_uuid": self.customer.uuid, "ticket_uuids": self.tickets});
        for _ in 0..TRIES {
            let replica = self.replica();
            let answer = self.shop.post(self.about(Call::Hold), replica, "holds", body.clone()).await;
            match answer.outcome {
                None | Some(Outcome::Unknown) => self.rest().await,
                _ => return text(&answer.body, "hold_uuid"),
            }
        }
        None
    }

    /// Extends the hold up to five times, so that some holds reach the end of their lifetime.
    async fn extend(&mut self, hold: &str) {
        let user = json!({"user_uuid": self.customer.uuid});
        for _ in 0..self.random.random_range(1..=5) {
            let replica = self.replica();
            let path = format!("holds/{hold}/extend");
            let extended = self.shop.post(self.about(Call::Extend), replica, &path, user.clone()).await;
            if extended.outcome != Some(Outcome::Ok) {
                return;
            }
            tokio::time::sleep(super::HOLD.mul_f64(self.random.random_range(0.2..0.9))).await;
        }
    }

    /// Repeats the order under its key until the answer says what happened.
    async fn order(&mut self, hold: &str) -> Answer {
        let method = self.customer.method(self.card).to_owned();
        let body = json!({"hold_uuid": hold, "user_uuid": self.customer.uuid, "payment_method_uuid": method});
        let key = Uuid::new_v4().to_string();
        let mut last = Answer { outcome: None, body: serde_json::Value::Null };
        for _ in 0..TRIES {
            let replica = self.replica();
            last = self.shop.order(self.about(Call::Order), replica, &key, &body).await;
            match last.outcome {
                None | Some(Outcome::Unknown) => self.rest().await,
                _ => break,
            }
        }
        last
    }

    /// Waits until a pending order is decided. Some customers cancel it first.
    async fn follow(&mut self, order: &str) -> Option<Outcome> {
        if percent(self.random, CANCELLED_PERCENT) {
            self.change(Call::Cancel, order, "cancel").await;
        }
        let path = format!("orders/{order}?user_uuid={}", self.customer.uuid);
        for _ in 0..LOOKS {
            self.rest().await;
            let replica = self.replica();
            let about = About { order: Some(order), ..self.about(Call::Look) };
            let seen = self.shop.get(about, replica, &path).await.outcome;
            if matches!(seen, Some(Outcome::Ok | Outcome::Refused)) {
                return seen;
            }
        }
        None
    }

    async fn refund(&mut self, order: &str) {
        for _ in 0..TRIES {
            match self.change(Call::Refund, order, "refund").await {
                Some(Outcome::Ok) => return self.market.given_back(&self.offer),
                Some(Outcome::Refused) => return,
                _ => self.rest().await,
            }
        }
    }

    async fn change(&mut self, call: Call, order: &str, verb: &str) -> Option<Outcome> {
        let replica = self.replica();
        let about = About { order: Some(order), ..self.about(call) };
        let body = json!({"user_uuid": self.customer.uuid});
        self.shop.post(about, replica, &format!("orders/{order}/{verb}"), body).await.outcome
    }
}
