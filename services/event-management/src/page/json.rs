//! The JSON of an event page.

use ids::{EventId, TicketId};
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::{
    event::{EventDetails, PerformerDetails, TicketDetails, VenueDetails},
    tickets::TicketStatus,
};

/// An event. Members that it has no value for are left out.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventPage<'a> {
    #[schema(value_type = Uuid)]
    uuid: EventId,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-07-15T20:00:00Z")]
    date: OffsetDateTime,
    /// When the sale of its tickets begins. Left out: they have been on sale from the start.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    sale_starts_at: Option<OffsetDateTime>,
    /// When the sale of its tickets ends. Left out: the sale ends when the event begins.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    sale_ends_at: Option<OffsetDateTime>,
    /// When it was cancelled. Left out: it is not cancelled.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    cancelled_at: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    venue: Option<VenuePart<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    performers: Vec<PerformerPart<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    tickets: Vec<TicketPart<'a>>,
}

/// The venue of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = Venue)]
struct VenuePart<'a> {
    #[schema(format = Uuid)]
    uuid: &'a str,
    location: &'a str,
    /// For each seat, whether it exists in this hall.
    #[schema(value_type = std::collections::HashMap<String, bool>)]
    seat_map: &'a RawValue,
}

/// A performer of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = Performer)]
struct PerformerPart<'a> {
    #[schema(format = Uuid)]
    uuid: &'a str,
    name: &'a str,
    age: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

/// A ticket: one seat of the event.
// The status must stay the last member: the template leaves a gap for it there.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(crate) struct TicketPart<'a> {
    #[schema(value_type = Uuid)]
    uuid: TicketId,
    /// In minor units of the currency.
    price: i64,
    seat: &'a str,
    status: TicketStatus,
}

impl<'a> EventPage<'a> {
    /// The page without its tickets.
    pub(crate) fn without_tickets(event: &'a EventDetails) -> Self {
        Self {
            uuid: event.uuid,
            name: &event.name,
            description: event.description.as_deref(),
            date: utc(event.date),
            sale_starts_at: event.sale_starts_at.map(utc),
            sale_ends_at: event.sale_ends_at.map(utc),
            cancelled_at: event.cancelled_at.map(utc),
            venue: event.venue.as_ref().map(VenuePart::new),
            performers: event.performers.iter().map(PerformerPart::new).collect(),
            tickets: vec![],
        }
    }
}

fn utc(time: OffsetDateTime) -> OffsetDateTime {
    time.to_offset(time::UtcOffset::UTC)
}

impl<'a> VenuePart<'a> {
    fn new(venue: &'a VenueDetails) -> Self {
        Self { uuid: &venue.uuid, location: &venue.location, seat_map: &venue.seat_map }
    }
}

impl<'a> PerformerPart<'a> {
    fn new(performer: &'a PerformerDetails) -> Self {
        let PerformerDetails { uuid, name, age, description } = performer;
        Self { uuid, name, age: *age, description: description.as_deref() }
    }
}

impl<'a> TicketPart<'a> {
    pub(crate) fn new(ticket: &'a TicketDetails, status: TicketStatus) -> Self {
        Self { uuid: ticket.uuid, price: ticket.price, seat: &ticket.seat, status }
    }
}
