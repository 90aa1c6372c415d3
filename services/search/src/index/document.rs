//! The document of an event. `index.json` maps its fields.

use ids::EventId;
use serde::{Deserialize, Serialize};

/// One event in the index. The document's `_id` is `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDocument {
    /// The event's primary key. It orders events with the same score and date.
    pub id: i64,
    pub uuid: EventId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The time of the event: RFC 3339 in UTC. Absent when RFC 3339 cannot express PostgreSQL's value (for example
    /// `infinity`); such an event is never found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The venue's location. Absent while the event has no venue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The venue's primary key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_id: Option<i64>,
}

#[cfg(test)]
impl EventDocument {
    /// A document with these values and no others.
    pub(crate) fn named(id: i64, name: &str) -> Self {
        let uuid = EventId(uuid::Uuid::nil());
        Self { id, uuid, name: name.to_owned(), description: None, date: None, location: None, venue_id: None }
    }
}
