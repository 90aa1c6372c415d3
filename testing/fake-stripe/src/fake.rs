//! A running fake, and what a test does with it.

use std::{collections::BTreeMap, sync::Arc};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    account::{Account, PaymentIntent, Status},
    answer::{Refusal, shown},
    call::Call,
    event::Event,
    faults::{Fault, When},
    payment::Payment,
    server::Server,
    webhooks::{Delivery, Webhooks},
};

/// The key that the fake accepts.
pub const SECRET_KEY: &str = "sk_test_fake";
/// The secret that its webhooks are signed with, unless it was started with another.
pub const WEBHOOK_SECRET: &str = "whsec_fake";

/// A running fake; it ends when it is dropped.
#[derive(Debug)]
pub struct FakeStripe {
    base_url: String,
    server: Arc<Server>,
    running: JoinSet<()>,
}

impl FakeStripe {
    /// Starts on a free port of loopback.
    ///
    /// # Panics
    /// When no loopback port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        Self::serve(listener, WEBHOOK_SECRET)
    }

    /// Starts on a listener, within a runtime.
    ///
    /// # Panics
    /// When the listener has no address.
    #[must_use]
    pub fn serve(listener: TcpListener, webhook_secret: &str) -> Self {
        let base_url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let server = Arc::new(Server {
            secret_key: SECRET_KEY.to_owned(),
            books: std::sync::Mutex::default(),
            webhooks: Webhooks::start(webhook_secret),
        });
        let mut running = JoinSet::new();
        running.spawn(accept(listener, server.clone()));
        Self { base_url, server, running }
    }

    /// What stands in front of `/v1`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The settings of a booking service that is paid through this fake.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("PAYMENT_PROVIDER", "stripe"),
            ("STRIPE_SECRET_KEY", SECRET_KEY),
            ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET),
            ("STRIPE_API_URL", &self.base_url),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Sends webhooks to these URLs in turn; without this they go nowhere.
    pub fn send_webhooks_to(&self, urls: Vec<String>) {
        self.server.webhooks.send_to(urls);
    }

    /// Changes how webhooks are sent from now on.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.server.webhooks.set_delivery(delivery);
    }

    /// Plans a fault for calls of one kind.
    pub fn fail(&self, call: Call, when: When, fault: Fault) {
        self.books(|books| books.faults.plan(Some(call), when, fault));
    }

    /// Plans a fault for calls of every kind.
    pub fn fail_any(&self, when: When, fault: Fault) {
        self.books(|books| books.faults.plan(None, when, fault));
    }

    /// Takes all planned faults back.
    pub fn clear_faults(&self) {
        self.books(|books| books.faults.clear());
    }

    /// How many calls met a planned fault.
    #[must_use]
    pub fn faults_met(&self) -> u64 {
        self.books(|books| books.faults.met)
    }

    /// The customer does what was asked of him, or the bank that took its time says yes.
    ///
    /// # Panics
    /// When there is no such intent, or it waits for neither; so do the functions below.
    pub fn complete_action(&self, intent: &str) {
        self.change(|account| account.approve(intent));
    }

    /// The customer does not prove who he is, or the bank that took its time says no.
    pub fn fail_action(&self, intent: &str) {
        self.change(|account| account.reject(intent));
    }

    /// Decides all payments that wait for the customer or for the bank, as they are at this moment.
    ///
    /// # Panics
    /// Never: nothing comes between the look and the decision.
    pub fn decide_all(&self, mut approves: impl FnMut(&Payment) -> bool) {
        let waiting = |account: &Account| -> Vec<Payment> {
            let undecided = account.payments().filter(|(intent, _)| is_undecided(intent));
            undecided.map(|(intent, charge)| Payment::new(intent, charge)).collect()
        };
        self.change(|account| {
            waiting(account).iter().try_for_each(|payment| {
                if approves(payment) { account.approve(&payment.intent) } else { account.reject(&payment.intent) }
            })
        });
    }

    /// Nobody captured the authorisation in time.
    pub fn expire_authorization(&self, intent: &str) {
        self.change(|account| account.expire_authorization(intent));
    }

    /// All payments, oldest first.
    #[must_use]
    pub fn payments(&self) -> Vec<Payment> {
        self.payments_with(|_| true)
    }

    /// Payments that wait for the customer or for the bank.
    #[must_use]
    pub fn undecided(&self) -> Vec<Payment> {
        self.payments_with(is_undecided)
    }

    /// One payment.
    ///
    /// # Panics
    /// When there is no such intent.
    #[must_use]
    pub fn payment(&self, intent: &str) -> Payment {
        let found = self.payments_with(|other| other.id == intent).pop();
        found.unwrap_or_else(|| panic!("there is no payment intent {intent}"))
    }

    /// The payments that the shop noted this order on, oldest first.
    #[must_use]
    pub fn payments_of(&self, order_uuid: &str) -> Vec<Payment> {
        self.payments_with(|intent| intent.metadata.get("order_uuid").is_some_and(|uuid| uuid == order_uuid))
    }

    fn payments_with(&self, wanted: impl Fn(&PaymentIntent) -> bool) -> Vec<Payment> {
        self.books(|books| {
            let payments = books.account.payments().filter(|(intent, _)| wanted(intent));
            payments.map(|(intent, charge)| Payment::new(intent, charge)).collect()
        })
    }

    /// How many calls of a kind came in, those that met a fault and repeats included.
    #[must_use]
    pub fn calls(&self, call: Call) -> u64 {
        self.all_calls().get(&call).copied().unwrap_or_default()
    }

    /// How many calls of each kind came in.
    #[must_use]
    pub fn all_calls(&self) -> BTreeMap<Call, u64> {
        self.books(|books| books.calls.clone())
    }

    /// An event about an intent as it is now, to be signed and sent by the test itself.
    ///
    /// # Panics
    /// When there is no such intent.
    #[must_use]
    pub fn event(&self, kind: &str, intent: &str) -> Event {
        let found = self.books(|books| books.account.intent(intent).map(|intent| shown(intent)));
        match found {
            Ok(intent) => Event::new(kind, intent),
            Err(refusal) => panic!("{}", refusal.error()),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Account) -> Result<(), Refusal>) {
        let changed = self.books(|books| {
            let changed = change(&mut books.account);
            self.server.tell(books);
            changed
        });
        if let Err(refusal) = changed {
            panic!("{}", refusal.error());
        }
    }

    fn books<T>(&self, look: impl FnOnce(&mut crate::server::Books) -> T) -> T {
        look(&mut self.server.books.lock().expect("no panic"))
    }

    /// Serves until the program is ended.
    pub async fn forever(mut self) {
        while self.running.join_next().await.is_some() {}
    }
}

fn is_undecided(intent: &PaymentIntent) -> bool {
    matches!(intent.status, Status::RequiresAction | Status::Processing)
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, server.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, server: Arc<Server>) {
    let service = service_fn(move |request| server.clone().handle(request));
    // A service that fails makes hyper close the connection without an answer: that is how one gets lost.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
