//! Everybody who shops: they come again and again, and keep their payment methods.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use rand::{Rng, rngs::StdRng};
use serde_json::json;
use uuid::Uuid;

use super::{
    Plan, Provider,
    clock::Recorder,
    manner::{Card, percent},
    market::Market,
    shop::Shop,
    visit::{Visit, text},
};

/// People for each one who shops at a time.
const PEOPLE_PER_SHOPPER: usize = 3;
/// So many register at once.
const AT_ONCE: usize = 8;
/// Of a hundred visits so many are for several seats.
const SEVERAL_SEATS: u32 = 20;
const MOST_SEATS: usize = 4;
/// Saving a method of payment is tried so often: Stripe has its faults.
const TRIES: usize = 5;

/// Somebody who shops.
pub(crate) struct Customer {
    pub uuid: String,
    /// A method of payment for each card.
    methods: Vec<(Card, String)>,
}

impl Customer {
    pub(crate) fn method(&self, card: Card) -> &str {
        let method = self.methods.iter().find(|(other, _)| *other == card);
        method.map(|(_, method)| method.as_str()).expect("a method for each card")
    }
}

/// Those who are not shopping at the moment, and how often somebody has.
pub(crate) struct Customers {
    idle: Mutex<Vec<Customer>>,
    tried: AtomicU64,
    recorder: Arc<Recorder>,
    /// Whether they pay.
    pub pay: bool,
}

impl Customers {
    pub(crate) async fn invite(shop: &Shop, plan: &Plan) -> Result<Self> {
        let invite = async || {
            let uuid = Uuid::new_v4().to_string();
            let methods = match plan.provider {
                Provider::Free => Card::ALL.map(|card| (card, Uuid::new_v4().to_string())).to_vec(),
                Provider::Stripe => save_methods(shop, &uuid).await?,
            };
            anyhow::Ok(Customer { uuid, methods })
        };
        let people = stream::iter(0..plan.customers * PEOPLE_PER_SHOPPER);
        let idle = people.map(|_| invite()).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(Self {
            idle: Mutex::new(idle),
            tried: AtomicU64::new(0),
            recorder: shop.recorder.clone(),
            pay: plan.provider == Provider::Stripe,
        })
    }

    /// How many purchases were tried.
    pub(crate) fn tried(&self) -> u64 {
        self.tried.load(Ordering::Relaxed)
    }

    /// Nobody begins to shop any more.
    pub(crate) fn close(&self) {
        self.recorder.close();
    }

    fn take(&self, random: &mut StdRng) -> Option<Customer> {
        let mut idle = self.idle.lock().expect("no panic");
        if idle.is_empty() {
            return None;
        }
        let one = random.random_range(0..idle.len());
        Some(idle.swap_remove(one))
    }

    fn give_back(&self, customer: Customer) {
        self.idle.lock().expect("no panic").push(customer);
    }
}

async fn save_methods(shop: &Shop, user: &str) -> Result<Vec<(Card, String)>> {
    // Stripe's names have no hyphens.
    let suffix = user.replace('-', "");
    let mut methods = Vec::new();
    for card in Card::ALL {
        let reference = format!("{}_{suffix}", card.provider_reference());
        let body = json!({"user_uuid": user, "provider_reference": reference});
        let mut tries = 0;
        let saved = loop {
            tries += 1;
            match shop.prepare(tries % 2, "payment-methods", &body).await {
                Err(_) if tries < TRIES => {}
                saved => break saved?,
            }
        };
        methods.push((card, text(&saved, "payment_method_uuid").context("the uuid of a payment method")?));
    }
    Ok(methods)
}

/// Shops until the market closes, as somebody else each time.
pub(crate) async fn shop_on(shop: Arc<Shop>, market: Arc<Market>, customers: Arc<Customers>, mut random: StdRng) {
    while !customers.recorder.is_closed() {
        let Some(customer) = customers.take(&mut random) else { return };
        customers.tried.fetch_add(1, Ordering::Relaxed);
        let card = if customers.pay { Card::any(&mut random) } else { Card::Good };
        let several = percent(&mut random, SEVERAL_SEATS);
        let seats = if several { random.random_range(1..=MOST_SEATS) } else { 1 };
        let offer = market.choose(seats, &mut random);
        let mut visit = Visit::new(&shop, &market, &customer, offer, card, &mut random);
        if several {
            visit.buy_several().await
        } else {
            visit.buy_one().await
        }
        // Whoever comes next does not come at once.
        visit.rest().await;
        customers.give_back(customer);
    }
}
