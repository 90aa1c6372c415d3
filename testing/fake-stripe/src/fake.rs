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
    answer::{ApiError, to_json},
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

/// A running fake. It ends when it is dropped.
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

    /// Starts on a listener. The caller is within a runtime.
    ///
    /// # Panics
    /// When the listener has no address.
    #[must_use]
    pub fn serve(listener: TcpListener, webhook_secret: &str) -> Self {
        let base_url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let server = Arc::new(Server {
            secret_key: SECRET_KEY.to_owned(),
            state: std::sync::Mutex::default(),
            webhooks: Webhooks::start(webhook_secret),
        });
        let mut running = JoinSet::new();
        running.spawn(accept(listener, server.clone()));
        Self { base_url, server, running }
    }

    /// The URL in front of `/v1`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The settings with which a booking service takes payments through this fake.
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

    /// Sends webhooks to these URLs in turn. Without URLs none is sent.
    pub fn send_webhooks_to(&self, urls: Vec<String>) {
        self.server.webhooks.send_to(urls);
    }

    /// Changes how webhooks are sent from now on.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.server.webhooks.set_delivery(delivery);
    }

    /// Plans a fault for calls of one kind.
    pub fn fail(&self, call: Call, when: When, fault: Fault) {
        self.state(|state| state.faults.plan(Some(call), when, fault));
    }

    /// Plans a fault for calls of every kind.
    pub fn fail_any(&self, when: When, fault: Fault) {
        self.state(|state| state.faults.plan(None, when, fault));
    }

    /// Removes all planned faults.
    pub fn clear_faults(&self) {
        self.state(|state| state.faults.clear());
    }

    /// How many calls met a planned fault.
    #[must_use]
    pub fn faults_met(&self) -> u64 {
        self.state(|state| state.faults.met)
    }

    /// The customer does what the bank asked, or the bank approves a payment that was processing.
    ///
    /// # Panics
    /// When there is no such intent, or it waits for neither. The functions below panic likewise.
    pub fn complete_action(&self, intent: &str) {
        self.change(|account| account.approve(intent));
    }

    /// The customer fails to authenticate, or the bank declines a payment that was processing.
    pub fn fail_action(&self, intent: &str) {
        self.change(|account| account.reject(intent));
    }

    /// Decides all payments that wait for the customer or for the bank at this moment.
    ///
    /// # Panics
    /// Never: no call runs between the look and the decision.
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

    /// The authorization was not captured in time.
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

    /// The payments that have this order in their metadata, oldest first.
    #[must_use]
    pub fn payments_of(&self, order_uuid: &str) -> Vec<Payment> {
        self.payments_with(|intent| intent.metadata.get("order_uuid").is_some_and(|uuid| uuid == order_uuid))
    }

    fn payments_with(&self, wanted: impl Fn(&PaymentIntent) -> bool) -> Vec<Payment> {
        self.state(|state| {
            let payments = state.account.payments().filter(|(intent, _)| wanted(intent));
            payments.map(|(intent, charge)| Payment::new(intent, charge)).collect()
        })
    }

    /// How many calls of a kind came in, including repeats and calls that met a fault.
    #[must_use]
    pub fn calls(&self, call: Call) -> u64 {
        self.all_calls().get(&call).copied().unwrap_or_default()
    }

    /// How many calls of each kind came in.
    #[must_use]
    pub fn all_calls(&self) -> BTreeMap<Call, u64> {
        self.state(|state| state.calls.clone())
    }

    /// An event about an intent as it is now. The test signs and sends it.
    ///
    /// # Panics
    /// When there is no such intent.
    #[must_use]
    pub fn event(&self, kind: &str, intent: &str) -> Event {
        let found = self.state(|state| state.account.intent(intent).map(|intent| to_json(intent)));
        match found {
            Ok(intent) => Event::new(kind, intent),
            Err(error) => panic!("{}", error.error()),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Account) -> Result<(), ApiError>) {
        let changed = self.state(|state| {
            let changed = change(&mut state.account);
            self.server.send_events(state);
            changed
        });
        if let Err(error) = changed {
            panic!("{}", error.error());
        }
    }

    fn state<T>(&self, look: impl FnOnce(&mut crate::server::State) -> T) -> T {
        look(&mut self.server.state.lock().expect("no panic"))
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
    // All connections end with this task, which drops the set.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, server.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, server: Arc<Server>) {
    let service = service_fn(move |request| server.clone().handle(request));
    // When the service returns an error, hyper closes the connection without an answer. That is how an answer gets lost.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
