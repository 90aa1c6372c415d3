//! One purchase, or the attempt at one.

use std::time::Duration;

use rand::{Rng, rngs::StdRng};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    customer::Customer,
    manner::{Card, Manner, percent},
    market::{Market, Offer},
    shop::{About, Answer, Shop},
};
use crate::history::{Call, Outcome};

/// A request that was not answered, or left open, is repeated so often.
const TRIES: usize = 8;
const BEFORE_NEXT_TRY_MS: std::ops::Range<u64> = 50..300;
/// Of a hundred who are refused a seat so many try to buy it all the same.
const LOSERS_WHO_TRY: u32 = 10;
/// Of a hundred whose card was declined so many show another.
const ANOTHER_CARD: u32 = 60;
/// Of a hundred buyers so many look at the page at once.
const LOOK_AFTERWARDS: u32 = 5;
/// Of a hundred who hold a seat so many ask for it again.
const ASK_AGAIN: u32 = 5;

/// One customer and the seats he wants.
pub(crate) struct Visit<'a> {
    pub shop: &'a Shop,
    pub market: &'a Market,
    pub customer: &'a Customer,
    pub offer: Offer,
    pub tickets: Vec<String>,
    pub card: Card,
    pub random: &'a mut StdRng,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(
        shop: &'a Shop,
        market: &'a Market,
        customer: &'a Customer,
        offer: Offer,
        card: Card,
        random: &'a mut StdRng,
    ) -> Self {
        let tickets = market.tickets(&offer);
        Self { shop, market, customer, offer, tickets, card, random }
    }

    /// Reserves one seat and confirms it.
    pub(crate) async fn buy_one(&mut self) {
        let asked = Instant::now();
        let reserved = self.insist(Call::Reserve).await;
        if reserved != Some(Outcome::Ok) {
            if reserved == Some(Outcome::Refused) && percent(self.random, LOSERS_WHO_TRY) {
                self.try_once(Call::Confirm).await;
            }
            return;
        }
        if percent(self.random, ASK_AGAIN) {
            self.try_once(Call::Reserve).await;
        }
        if self.think(asked).await == Manner::Leaves {
            return;
        }
        let mut confirmed = self.insist(Call::Confirm).await;
        if confirmed == Some(Outcome::Declined) && percent(self.random, ANOTHER_CARD) {
            self.card = Card::Good;
            confirmed = self.insist(Call::Confirm).await;
        }
        if confirmed == Some(Outcome::Ok) {
            self.bought().await;
        }
    }

    /// Thinks in the manner of one of them.
    pub(crate) async fn think(&mut self, asked: Instant) -> Manner {
        let manner = Manner::any(self.random);
        let pause = manner.pause(self.random);
        if manner.lets_it_run_out() {
            self.market.wait_for(&self.offer, pause);
        }
        if manner != Manner::Leaves {
            // From when he asked: the hold began then or a little later.
            tokio::time::sleep_until(asked + pause).await;
        }
        manner
    }

    pub(crate) async fn bought(&mut self) {
        self.market.sold(&self.offer);
        if percent(self.random, LOOK_AFTERWARDS) {
            self.shop.page(self.market.event(&self.offer), self.replica()).await;
        }
    }

    pub(crate) fn replica(&mut self) -> usize {
        self.random.random_range(0..2)
    }

    pub(crate) fn about(&self, call: Call) -> About<'_> {
        About { customer: &self.customer.uuid, call, tickets: &self.tickets, order: None }
    }

    /// Asks until the answer says what happened; `None` when nobody would say.
    async fn insist(&mut self, call: Call) -> Option<Outcome> {
        for _ in 0..TRIES {
            match self.try_once(call).await.outcome {
                None | Some(Outcome::Unknown | Outcome::Pending) => self.rest().await,
                decided => return decided,
            }
        }
        None
    }

    async fn try_once(&mut self, call: Call) -> Answer {
        let replica = self.replica();
        match call {
            Call::Reserve => self.shop.reserve(self.about(call), replica).await,
            _ => self.shop.confirm(self.about(call), replica, self.customer.method(self.card)).await,
        }
    }

    pub(crate) async fn rest(&mut self) {
        let pause = self.random.random_range(BEFORE_NEXT_TRY_MS);
        sleep(Duration::from_millis(pause)).await;
    }
}

/// A text in an answer.
pub(crate) fn text(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().map(str::to_owned)
}
