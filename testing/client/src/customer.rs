//! The three services as a customer's client sees them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// Longer than any answer takes by the services' own limits.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// The services close connections that are idle for their read timeout of 5 s; a client lets go before.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the three services answer.
#[derive(Debug, Clone)]
pub struct Shop {
    /// Base URL of event management.
    pub event_management: String,
    /// Base URL of booking.
    pub booking: String,
    /// Base URL of search.
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

/// An answer of the search service.
#[derive(Debug, Clone, Deserialize)]
pub struct SearchPage {
    /// The hits of this page.
    pub events: Vec<Event>,
    /// How many events match in all.
    pub total: u64,
}

/// A hit.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// Public identifier.
    pub uuid: String,
    /// Name of the event.
    pub name: String,
    /// Where its venue is.
    pub location: String,
}

/// An event's page.
#[derive(Debug, Clone, Deserialize)]
pub struct EventPage {
    /// Name of the event.
    pub name: String,
    /// Its seats.
    #[serde(default)]
    pub tickets: Vec<PageTicket>,
}

/// A seat on an event's page.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct PageTicket {
    /// Public identifier.
    pub uuid: String,
    /// Price in minor units.
    pub price: i64,
    /// Name of the seat.
    pub seat: String,
    /// `available`, `reserved` or `booked`.
    pub status: String,
}

impl EventPage {
    /// The status of one ticket.
    #[must_use]
    pub fn status_of(&self, ticket_uuid: &str) -> Option<&str> {
        self.tickets.iter().find(|ticket| ticket.uuid == ticket_uuid).map(|ticket| ticket.status.as_str())
    }
}

/// Whether a call did what was asked.
#[must_use]
pub fn is_success(status: StatusCode) -> bool {
    status == StatusCode::OK
}

/// One customer, who keeps his connections.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Who he is.
    pub user_uuid: Uuid,
    shop: Shop,
    client: Client,
}

impl Customer {
    /// A new customer of a shop.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(shop: &Shop) -> Result<Self> {
        let client = Client::builder().timeout(REQUEST_TIMEOUT).pool_idle_timeout(IDLE_TIMEOUT).build()?;
        Ok(Self { user_uuid: Uuid::new_v4(), shop: shop.clone(), client })
    }

    /// Another customer who shares the connections.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { user_uuid: Uuid::new_v4(), ..self.clone() }
    }

    /// Searches for events.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub async fn search(&self, q: &str) -> Result<SearchPage> {
        let url = Url::parse_with_params(&format!("{}/api/v1/search/events", self.shop.search), [("q", q)])?;
        let answer = self.client.get(url).send().await?;
        ensure!(is_success(answer.status()), "search answered {}: {}", answer.status(), answer.text().await?);
        answer.json().await.context("the search page")
    }

    /// Opens an event's page.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub async fn open(&self, event_uuid: &str) -> Result<EventPage> {
        let url = format!("{}/api/v1/management/events/{event_uuid}", self.shop.event_management);
        let answer = self.client.get(url).send().await?;
        ensure!(is_success(answer.status()), "the page answered {}: {}", answer.status(), answer.text().await?);
        answer.json().await.context("the event's page")
    }

    /// Asks for a seat to be held.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn reserve(&self, ticket_uuid: &str) -> Result<StatusCode> {
        let body = json!({"ticket_uuid": ticket_uuid, "user_uuid": self.user_uuid});
        self.post("reserve", body).await
    }

    /// Pays for a held seat.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn confirm(&self, ticket_uuid: &str) -> Result<StatusCode> {
        let payment_method = Uuid::new_v4();
        let body =
            json!({"ticket_uuid": ticket_uuid, "user_uuid": self.user_uuid, "payment_method_uuid": payment_method});
        self.post("confirm", body).await
    }

    async fn post(&self, call: &str, body: serde_json::Value) -> Result<StatusCode> {
        let url = format!("{}/api/v1/booking/tickets/{call}", self.shop.booking);
        Ok(self.client.post(url).json(&body).send().await?.status())
    }
}
