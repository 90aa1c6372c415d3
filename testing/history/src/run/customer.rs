//! The customers. They shop repeatedly and keep their payment methods.

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
    behaviour::Card,
    clock::Recorder,
    shop::{Shop, text},
};

/// Number of customers for each one who shops at a time.
const CUSTOMERS_PER_SHOPPER: usize = 3;
/// Number of customers who register at the same time.
const AT_ONCE: usize = 8;
/// Attempts to save a payment method. Calls to Stripe fail on purpose.
const TRIES: usize = 5;

pub(crate) struct Customer {
    pub uuid: String,
    /// The uuid of a saved payment method for each card.
    methods: Vec<(Card, String)>,
}

impl Customer {
    pub(crate) fn method(&self, card: Card) -> &str {
        let method = self.methods.iter().find(|(other, _)| *other == card);
        method.map(|(_, method)| method.as_str()).expect("a method for each card")
    }
}

/// The customers who are idle, and the number of purchases that all of them have tried.
pub(crate) struct Customers {
    idle: Mutex<Vec<Customer>>,
    tried: AtomicU64,
    recorder: Arc<Recorder>,
    /// Whether tickets cost money.
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
        let people = stream::iter(0..plan.customers * CUSTOMERS_PER_SHOPPER);
        let idle = people.map(|_| invite()).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(Self {
            idle: Mutex::new(idle),
            tried: AtomicU64::new(0),
            recorder: shop.recorder.clone(),
            pay: plan.provider == Provider::Stripe,
        })
    }

    /// The number of purchases tried so far.
    pub(crate) fn tried(&self) -> u64 {
        self.tried.load(Ordering::Relaxed)
    }

    /// Lets no customer begin another purchase.
    pub(crate) fn close(&self) {
        self.recorder.close();
    }

    /// Takes a random idle customer, who now tries a purchase; `None` when the run is closed or nobody is idle.
    pub(crate) fn take(&self, random: &mut StdRng) -> Option<Customer> {
        if self.recorder.is_closed() {
            return None;
        }
        let mut idle = self.idle.lock().expect("no panic");
        if idle.is_empty() {
            return None;
        }
        let one = random.random_range(0..idle.len());
        self.tried.fetch_add(1, Ordering::Relaxed);
        Some(idle.swap_remove(one))
    }

    pub(crate) fn give_back(&self, customer: Customer) {
        self.idle.lock().expect("no panic").push(customer);
    }
}

async fn save_methods(shop: &Shop, user: &str) -> Result<Vec<(Card, String)>> {
    // Ids at Stripe have no hyphens.
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
