//! The document of an event, as `index.json` maps it.

use serde::{Deserialize, Serialize};

/// One event in the index. Its `_id` is `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDocument {
    /// Primary key of `events`; orders events with the same score and date.
    pub id: i64,
    /// Public identifier.
    pub uuid: String,
    /// What the event is called.
    pub name: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it takes place: RFC 3339 in UTC. Absent when PostgreSQL holds a moment that cannot be written so; such an
    /// event is never found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Where its venue is. Absent while there is no venue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Primary key of its venue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue_id: Option<i64>,
}
