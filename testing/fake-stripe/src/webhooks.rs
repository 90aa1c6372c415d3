//! Sends webhooks to the shop, as reliably as a test wants.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rand::Rng;
use reqwest::Client;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::event::Event;

/// How webhooks reach the shop. Stripe promises no order and no delay, and may send an event twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Each event at once, in order, and once.
    #[default]
    Normal,
    /// Each event twice.
    Duplicated,
    /// Each event after the one that follows it.
    OutOfOrder,
    /// Each event after this time.
    Delayed(Duration),
    /// No event.
    Dropped,
    /// One of the above at random.
    Mixed,
}

/// The pauses between tries of a webhook that was not answered with 2xx. Stripe's own pauses grow to hours.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
];
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// A webhook that waits to be overtaken waits no longer than this.
const OVERTAKEN_WITHIN: Duration = Duration::from_millis(300);
const LONGEST_DELAY_MS: u64 = 1_500;

/// The targets of webhooks, and how they are sent.
#[derive(Debug, Default)]
struct Route {
    targets: Vec<String>,
    next: usize,
    delivery: Delivery,
    signing_secret: String,
}

/// The events of one call, and the delivery that was set when the call was made.
type Batch = (Vec<Event>, Delivery);

/// The sender of webhooks. Dropping it ends every delivery.
#[derive(Debug)]
pub(crate) struct Webhooks {
    route: Arc<Mutex<Route>>,
    batches: UnboundedSender<Batch>,
    sending: JoinHandle<()>,
}

impl Webhooks {
    pub(crate) fn start(signing_secret: &str) -> Self {
        let route = Route { signing_secret: signing_secret.to_owned(), ..Route::default() };
        let route = Arc::new(Mutex::new(route));
        let (batches, received) = unbounded_channel();
        let sending = tokio::spawn(send_all(received, route.clone()));
        Self { route, batches, sending }
    }

    /// The targets take turns, as the pods behind a service do.
    pub(crate) fn send_to(&self, targets: Vec<String>) {
        self.route.lock().expect("no panic").targets = targets;
    }

    pub(crate) fn set_delivery(&self, delivery: Delivery) {
        self.route.lock().expect("no panic").delivery = delivery;
    }

    /// Sends the events of one call.
    pub(crate) fn send(&self, events: Vec<Event>) {
        let route = self.route.lock().expect("no panic");
        let delivery = if route.delivery == Delivery::Mixed { any_delivery() } else { route.delivery };
        if !events.is_empty() && !route.targets.is_empty() {
            let _ = self.batches.send((events, delivery));
        }
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

async fn send_all(mut received: UnboundedReceiver<Batch>, route: Arc<Mutex<Route>>) {
    let client = Client::builder().timeout(ANSWERED_WITHIN).build().expect("an HTTP client");
    let sender = Sender { client, route };
    let mut overtaken: Vec<Event> = vec![];
    loop {
        let batch = if overtaken.is_empty() {
            received.recv().await
        } else {
            timeout(OVERTAKEN_WITHIN, received.recv()).await.unwrap_or(Some((vec![], Delivery::Normal)))
        };
        let Some((mut events, delivery)) = batch else { return };
        if delivery == Delivery::OutOfOrder && overtaken.is_empty() {
            events.reverse();
            overtaken = events;
            continue;
        }
        tokio::spawn(sender.clone().send(events, delivery, std::mem::take(&mut overtaken)));
    }
}

#[derive(Clone)]
struct Sender {
    client: Client,
    route: Arc<Mutex<Route>>,
}

impl Sender {
    async fn send(self, events: Vec<Event>, delivery: Delivery, overtaken: Vec<Event>) {
        let times = match delivery {
            Delivery::Dropped => 0,
            Delivery::Duplicated => 2,
            _ => 1,
        };
        if let Delivery::Delayed(pause) = delivery {
            sleep(pause).await;
        }
        let each = events.iter().flat_map(|event| std::iter::repeat_n(event, times));
        for event in each.chain(&overtaken) {
            if !self.try_once(event).await {
                tokio::spawn(self.clone().retry(event.clone()));
            }
        }
    }

    async fn retry(self, event: Event) {
        for pause in PAUSES {
            sleep(pause).await;
            if self.try_once(&event).await {
                return;
            }
        }
    }

    async fn try_once(&self, event: &Event) -> bool {
        let (target, signed) = {
            let mut route = self.route.lock().expect("no panic");
            route.next = route.next.wrapping_add(1);
            let Some(target) = route.targets.get(route.next % route.targets.len().max(1)) else { return true };
            (target.clone(), event.signed(&route.signing_secret))
        };
        let request = self.client.post(target).header("content-type", "application/json; charset=utf-8");
        let request = request.header("stripe-signature", signed.signature).body(signed.body);
        request.send().await.is_ok_and(|answer| answer.status().is_success())
    }
}

fn any_delivery() -> Delivery {
    let mut random = rand::rng();
    match random.random_range(0..6) {
        0 => Delivery::Duplicated,
        1 => Delivery::OutOfOrder,
        2 => Delivery::Delayed(Duration::from_millis(random.random_range(0..LONGEST_DELAY_MS))),
        3 => Delivery::Dropped,
        _ => Delivery::Normal,
    }
}
