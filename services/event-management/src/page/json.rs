//! The page of an event, as JSON.

use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::details::{EventDetails, PerformerDetails, TicketDetails, VenueDetails};
use crate::seats::SeatStates;

/// An event. What it does not have is left out.
#[derive(Serialize, ToSchema)]
pub(super) struct EventPage<'a> {
    #[schema(format = Uuid)]
    uuid: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-07-15T20:00:00Z")]
    date: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    venue: Option<VenuePart<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    performers: Vec<PerformerPart<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    tickets: Vec<TicketPart<'a>>,
}

/// Where an event takes place.
#[derive(Serialize, ToSchema)]
#[schema(as = Venue)]
struct VenuePart<'a> {
    #[schema(format = Uuid)]
    uuid: &'a str,
    location: &'a str,
    /// Seat → whether it exists in this hall.
    #[schema(value_type = std::collections::HashMap<String, bool>)]
    seat_map: &'a RawValue,
}

/// Who performs.
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

/// A seat of the event.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
struct TicketPart<'a> {
    #[schema(format = Uuid)]
    uuid: &'a str,
    /// In minor units of the currency.
    price: i64,
    seat: &'a str,
    status: TicketStatus,
}

/// The state of a seat at the moment of the answer.
#[derive(Serialize, ToSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum TicketStatus {
    /// Nobody has it.
    Available,
    /// Somebody holds it for a while.
    Reserved,
    /// It is sold.
    Booked,
}

impl<'a> EventPage<'a> {
    /// Details and state together.
    pub(super) fn new(event: &'a EventDetails, states: &SeatStates) -> Self {
        Self {
            uuid: &event.uuid,
            name: &event.name,
            description: event.description.as_deref(),
            date: event.date.to_offset(time::UtcOffset::UTC),
            venue: event.venue.as_ref().map(VenuePart::new),
            performers: event.performers.iter().map(PerformerPart::new).collect(),
            tickets: event.tickets.iter().map(|ticket| TicketPart::new(ticket, states)).collect(),
        }
    }
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
    fn new(ticket: &'a TicketDetails, states: &SeatStates) -> Self {
        // What is sold is sold, whatever else is said of it.
        let status = if states.booked.contains(&ticket.id) {
            TicketStatus::Booked
        } else if states.held.contains(&ticket.uuid) {
            TicketStatus::Reserved
        } else {
            TicketStatus::Available
        };
        Self { uuid: &ticket.uuid, price: ticket.price, seat: &ticket.seat, status }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn ticket(id: i64, uuid: &str) -> TicketDetails {
        TicketDetails { id, uuid: uuid.to_owned(), price: 35_000, seat: format!("A{id}") }
    }

    fn event(tickets: Vec<TicketDetails>) -> EventDetails {
        EventDetails {
            id: 1,
            uuid: "e".to_owned(),
            name: "Show".to_owned(),
            description: None,
            date: time::macros::datetime!(2026-07-15 22:00 +2),
            venue: None,
            performers: vec![],
            tickets,
        }
    }

    #[test]
    fn what_an_event_does_not_have_is_left_out() {
        let page = serde_json::to_string(&EventPage::new(&event(vec![]), &SeatStates::default())).unwrap();
        assert_eq!(page, r#"{"uuid":"e","name":"Show","date":"2026-07-15T20:00:00Z"}"#);
    }

    #[test]
    fn booked_wins_over_reserved_and_both_over_available() {
        let event = event(vec![ticket(1, "a"), ticket(2, "b"), ticket(3, "c")]);
        let states = SeatStates { held: HashSet::from(["b".to_owned(), "c".to_owned()]), booked: HashSet::from([3]) };
        let page = EventPage::new(&event, &states);
        let statuses: Vec<_> = page.tickets.iter().map(|ticket| ticket.status).collect();
        assert_eq!(statuses, [TicketStatus::Available, TicketStatus::Reserved, TicketStatus::Booked]);
    }
}
