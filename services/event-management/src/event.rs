//! An event, with all that rarely changes.

use ids::{EventId, TicketId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;

/// An event without the state of its seats.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EventDetails {
    /// The key of the event's row, which its tickets refer to.
    pub(crate) id: i64,
    pub(crate) uuid: EventId,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) date: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) sale_starts_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) sale_ends_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) cancelled_at: Option<OffsetDateTime>,
    pub(crate) venue: Option<VenueDetails>,
    pub(crate) performers: Vec<PerformerDetails>,
    /// In the order of their ids.
    pub(crate) tickets: Vec<TicketDetails>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VenueDetails {
    pub(crate) uuid: String,
    pub(crate) location: String,
    /// The JSON as it is stored, with its members in their order.
    pub(crate) seat_map: Box<RawValue>,
}

#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct PerformerDetails {
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) age: i64,
    pub(crate) description: Option<String>,
}

/// A ticket without its status.
#[derive(Debug, Clone, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct TicketDetails {
    pub(crate) id: i64,
    pub(crate) uuid: TicketId,
    pub(crate) price: i64,
    pub(crate) seat: String,
}
