//! One visit: a customer tries to buy one seat or several.

use std::{sync::Arc, time::Duration};

use rand::{Rng, rngs::StdRng};
use tokio::time::{Instant, sleep};

use super::{
    behaviour::{Behaviour, Card, percent},
    customer::{Customer, Customers},
    market::{Market, Offer},
    shop::{About, Answer, Shop},
};
use crate::history::{Call, Outcome};

/// Attempts of a request without a clear answer.
const TRIES: usize = 8;
const BEFORE_NEXT_TRY_MS: std::ops::Range<u64> = 50..300;
/// Percentage of refused customers who try to buy the seat without a hold.
const BUY_WITHOUT_HOLD_PERCENT: u32 = 10;
/// Percentage of customers with a declined card who try another one.
const ANOTHER_CARD_PERCENT: u32 = 60;
/// Percentage of buyers who read the page right after buying.
const LOOK_AFTERWARDS_PERCENT: u32 = 5;
/// Percentage of holders who repeat their reservation.
const REPEAT_PERCENT: u32 = 5;

/// Percentage of visits that ask for several seats.
const MULTI_SEAT_PERCENT: u32 = 20;
const MOST_SEATS: usize = 4;

/// Shops until the run closes, as another customer each time.
pub(crate) async fn shop_until_closed(
    shop: Arc<Shop>,
    market: Arc<Market>,
    customers: Arc<Customers>,
    mut random: StdRng,
) {
    while let Some(customer) = customers.take(&mut random) {
        let card = if customers.pay { Card::any(&mut random) } else { Card::Good };
        let multi_seat = percent(&mut random, MULTI_SEAT_PERCENT);
        let seats = if multi_seat { random.random_range(1..=MOST_SEATS) } else { 1 };
        let offer = market.choose(seats, &mut random);
        let mut visit = Visit::new(&shop, &market, &customer, offer, card, &mut random);
        if multi_seat {
            visit.buy_multiple_seats().await
        } else {
            visit.buy_one_seat().await
        }
        // A pause, so that the same seats are not asked for without a break.
        visit.rest().await;
        customers.give_back(customer);
    }
}

/// One customer and the seats they want.
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
    pub(crate) async fn buy_one_seat(&mut self) {
        let asked = Instant::now();
        let reserved = self.insist(Call::Reserve).await;
        if reserved != Some(Outcome::Ok) {
            if reserved == Some(Outcome::Refused) && percent(self.random, BUY_WITHOUT_HOLD_PERCENT) {
                self.try_once(Call::Confirm).await;
            }
            return;
        }
        if percent(self.random, REPEAT_PERCENT) {
            self.try_once(Call::Reserve).await;
        }
        if self.think(asked).await == Behaviour::Leaves {
            return;
        }
        let mut confirmed = self.insist(Call::Confirm).await;
        if confirmed == Some(Outcome::Declined) && percent(self.random, ANOTHER_CARD_PERCENT) {
            self.card = Card::Good;
            confirmed = self.insist(Call::Confirm).await;
        }
        if confirmed == Some(Outcome::Ok) {
            self.bought().await;
        }
    }

    /// Waits as a random behaviour says, and returns that behaviour.
    pub(crate) async fn think(&mut self, asked: Instant) -> Behaviour {
        let behaviour = Behaviour::any(self.random);
        let pause = behaviour.pause(self.random);
        if behaviour.lets_the_hold_expire() {
            self.market.offer_after(&self.offer, pause);
        }
        if behaviour != Behaviour::Leaves {
            // Counted from the request for the hold: the hold began then or a little later.
            tokio::time::sleep_until(asked + pause).await;
        }
        behaviour
    }

    pub(crate) async fn bought(&mut self) {
        self.market.sold(&self.offer);
        if percent(self.random, LOOK_AFTERWARDS_PERCENT) {
            self.shop.page(self.market.event(&self.offer), self.replica()).await;
        }
    }

    pub(crate) fn replica(&mut self) -> usize {
        self.random.random_range(0..2)
    }

    pub(crate) fn about(&self, call: Call) -> About<'_> {
        About { customer: &self.customer.uuid, call, tickets: &self.tickets, order: None }
    }

    /// Repeats a request until the answer says what happened; `None` when no answer did.
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
