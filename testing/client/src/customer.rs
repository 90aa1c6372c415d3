//! The calls to the three services that a customer's client makes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ids::{EventId, PaymentMethodId, TicketId, UserId};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;

/// The services' own time limits end every answer sooner.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// The services close a connection that is idle for 5 s (their read timeout). The client closes it before.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// The base URLs of the three services.
#[derive(Debug, Clone)]
pub struct Shop {
    pub event_management: String,
    pub booking: String,
    pub search: String,
}

impl Default for Shop {
    /// The ports that `make up` publishes.
    fn default() -> Self {
        Self::at("127.0.0.1", [8080, 8081, 8082])
    }
}

impl Shop {
    /// Event management, booking and search at these ports of a host.
    #[must_use]
    pub fn at(host: &str, ports: [u16; 3]) -> Self {
        let [event_management, booking, search] = ports.map(|port| format!("http://{host}:{port}"));
        Self { event_management, booking, search }
    }
}

/// A page of search results.
#[derive(Debug, Clone, Deserialize)]
pub struct SearchPage {
    /// The events on this page.
    pub events: Vec<Event>,
    /// The number of all events that match.
    pub total: u64,
}

/// An event in search results.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    pub uuid: EventId,
    pub name: String,
    /// The location of its venue.
    pub location: String,
}

/// An event's page.
#[derive(Debug, Clone, Deserialize)]
pub struct EventPage {
    pub name: String,
    #[serde(default)]
    pub tickets: Vec<PageTicket>,
}

/// A seat on an event's page.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct PageTicket {
    pub uuid: TicketId,
    /// The price in minor units.
    pub price: i64,
    pub seat: String,
    /// `available`, `reserved` or `booked`.
    pub status: String,
}

impl EventPage {
    #[must_use]
    pub fn status_of(&self, ticket: TicketId) -> Option<&str> {
        self.tickets.iter().find(|other| other.uuid == ticket).map(|ticket| ticket.status.as_str())
    }
}

/// Whether the status is 200: the contract's only success.
#[must_use]
pub fn is_success(status: StatusCode) -> bool {
    status == StatusCode::OK
}

/// One customer, who keeps their connections.
#[derive(Debug, Clone)]
pub struct Customer {
    pub user: UserId,
    shop: Shop,
    client: Client,
}

impl Customer {
    /// A new customer of a shop.
    pub fn new(shop: &Shop) -> Result<Self> {
        let client = Client::builder().timeout(REQUEST_TIMEOUT).pool_idle_timeout(IDLE_TIMEOUT).build()?;
        Ok(Self { user: UserId::random(), shop: shop.clone(), client })
    }

    /// Another customer, who shares the connections.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { user: UserId::random(), ..self.clone() }
    }

    /// Searches for events. It is an error when the answer is not 200.
    pub async fn search(&self, q: &str) -> Result<SearchPage> {
        let url = Url::parse_with_params(&format!("{}/api/v1/search/events", self.shop.search), [("q", q)])?;
        let answer = self.client.get(url).send().await?;
        ensure!(is_success(answer.status()), "search answered {}: {}", answer.status(), answer.text().await?);
        answer.json().await.context("the search page")
    }

    /// Opens an event's page. It is an error when the answer is not 200.
    pub async fn open(&self, event: EventId) -> Result<EventPage> {
        let url = format!("{}/api/v1/management/events/{event}", self.shop.event_management);
        let answer = self.client.get(url).send().await?;
        ensure!(is_success(answer.status()), "the page answered {}: {}", answer.status(), answer.text().await?);
        answer.json().await.context("the event's page")
    }

    /// Asks to hold a seat. Every answer with a status is a result.
    pub async fn reserve(&self, ticket: TicketId) -> Result<StatusCode> {
        let body = json!({"ticket_uuid": ticket, "user_uuid": self.user});
        self.post("reserve", body).await
    }

    /// Pays for a held seat. Every answer with a status is a result.
    pub async fn confirm(&self, ticket: TicketId) -> Result<StatusCode> {
        let payment_method = PaymentMethodId::random();
        let body = json!({"ticket_uuid": ticket, "user_uuid": self.user, "payment_method_uuid": payment_method});
        self.post("confirm", body).await
    }

    async fn post(&self, call: &str, body: serde_json::Value) -> Result<StatusCode> {
        let url = format!("{}/api/v1/booking/tickets/{call}", self.shop.booking);
        Ok(self.client.post(url).json(&body).send().await?.status())
    }
}
