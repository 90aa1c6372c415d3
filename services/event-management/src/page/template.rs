//! The text of a page with gaps for the statuses of its seats. It is written once for each version of the details.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{
    json::{EventPage, TicketPart},
    rendering::{Rendering, SeatState},
};
use crate::{
    event::EventDetails,
    tickets::{TICKET_BYTES, TicketStatus, Tickets},
};

/// The end of an available ticket in JSON.
const AVAILABLE_END: &str = "available\"}";
/// The end of a ticket behind the gap for its status.
const END: &str = "\"}";
/// The length of the longest status.
const LONGEST_STATUS: usize = TicketStatus::Available.as_str().len();

/// The memory that a template takes besides its text and tickets.
const EVENT_BYTES: usize = 1024;

/// An event that can be shown as soon as the statuses of its seats are known.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) event_id: i64,
    pub(crate) tickets: Arc<Tickets>,
    text: Box<[u8]>,
    /// The position in the text of each ticket's status.
    gaps: Box<[usize]>,
    digest: [u8; 32],
    /// The last rendering. Most requests find the seats as they were a moment ago.
    last: Mutex<Option<Arc<Rendering>>>,
}

impl Template {
    /// Writes the page, which fails only when the details have no form in JSON.
    pub(crate) fn new(event: &EventDetails) -> Result<Self, serde_json::Error> {
        let mut text = serde_json::to_vec(&EventPage::without_tickets(event))?;
        let mut gaps = Vec::with_capacity(event.tickets.len());
        if !event.tickets.is_empty() {
            let closing = text.pop();
            text.extend_from_slice(b",\"tickets\":[");
            for ticket in &event.tickets {
                if !gaps.is_empty() {
                    text.push(b',');
                }
                serde_json::to_writer(&mut text, &TicketPart::new(ticket, TicketStatus::Available))?;
                debug_assert!(text.ends_with(AVAILABLE_END.as_bytes()), "the status is the last member of a ticket");
                text.truncate(text.len() - AVAILABLE_END.len());
                gaps.push(text.len());
                text.extend_from_slice(END.as_bytes());
            }
            text.push(b']');
            text.extend(closing);
        }
        Ok(Self {
            event_id: event.id,
            tickets: Arc::new(Tickets::new(&event.tickets)),
            digest: Sha256::digest(&text).into(),
            text: text.into(),
            gaps: gaps.into(),
            last: Mutex::default(),
        })
    }

    /// The last rendering, if it shows exactly these statuses.
    pub(crate) fn rendered_last(&self, statuses: &[TicketStatus]) -> Option<Arc<Rendering>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|rendering| *rendering.state.statuses == *statuses).cloned()
    }

    /// The page with these statuses, one for each ticket.
    pub(crate) fn render(&self, statuses: Box<[TicketStatus]>) -> Arc<Rendering> {
        let mut body = Vec::with_capacity(self.rendered_bytes());
        let mut written = 0;
        for (gap, status) in self.gaps.iter().zip(&statuses) {
            body.extend_from_slice(&self.text[written..*gap]);
            body.extend_from_slice(status.as_str().as_bytes());
            written = *gap;
        }
        body.extend_from_slice(&self.text[written..]);
        let state = Arc::new(SeatState::new(Arc::clone(&self.tickets), statuses));
        let rendering = Arc::new(Rendering::new(body, &self.digest, state));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&rendering));
        rendering
    }

    /// The most memory in bytes that the template takes, including its last rendering and the packed form of that.
    pub(crate) fn weight(&self) -> u32 {
        let seats = self.tickets.len() * (TICKET_BYTES + size_of::<usize>() + size_of::<TicketStatus>());
        let bytes = EVENT_BYTES + self.text.len() + seats + 2 * self.rendered_bytes();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    fn rendered_bytes(&self) -> usize {
        self.text.len() + self.gaps.len() * LONGEST_STATUS
    }
}

#[cfg(test)]
mod tests {
    use ids::{EventId, TicketId};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::{
        TicketStatus::{Available, Booked, Reserved},
        *,
    };
    use crate::event::TicketDetails;

    fn event(tickets: i64) -> EventDetails {
        let ticket = |id| TicketDetails {
            id,
            uuid: TicketId(Uuid::from_u128(u128::try_from(id).unwrap())),
            price: 35_000,
            seat: format!("A\"{id}"),
        };
        EventDetails {
            id: 1,
            uuid: EventId(Uuid::nil()),
            name: "Show".to_owned(),
            description: None,
            date: time::macros::datetime!(2026-07-15 22:00 +2),
            sale_starts_at: None,
            sale_ends_at: None,
            cancelled_at: None,
            venue: None,
            performers: vec![],
            tickets: (1..=tickets).map(ticket).collect(),
        }
    }

    fn template(event: &EventDetails) -> Template {
        Template::new(event).unwrap()
    }

    #[test]
    fn members_without_a_value_are_left_out() {
        let page = template(&event(0)).render(Box::default());
        assert_eq!(
            page.body,
            r#"{"uuid":"00000000-0000-0000-0000-000000000000","name":"Show","date":"2026-07-15T20:00:00Z"}"#
        );
    }

    #[test]
    fn moments_are_shown_in_utc() {
        let cancelled = EventDetails {
            sale_starts_at: Some(time::macros::datetime!(2026-01-01 0:00 +2)),
            sale_ends_at: Some(time::macros::datetime!(2026-07-15 21:30 +2)),
            cancelled_at: Some(time::macros::datetime!(2026-07-01 12:00:00.5 UTC)),
            ..event(0)
        };
        let page: Value = serde_json::from_slice(&template(&cancelled).render(Box::default()).body).unwrap();
        assert_eq!(page["sale_starts_at"], "2025-12-31T22:00:00Z");
        assert_eq!(page["sale_ends_at"], "2026-07-15T19:30:00Z");
        assert_eq!(page["cancelled_at"], "2026-07-01T12:00:00.5Z");
    }

    #[test]
    fn each_ticket_shows_its_own_status() {
        let page = template(&event(3)).render([Available, Reserved, Booked].into());
        let page: Value = serde_json::from_slice(&page.body).unwrap();
        let ticket = |id: u8, status| {
            let uuid = format!("00000000-0000-0000-0000-00000000000{id}");
            json!({"uuid": uuid, "price": 35_000, "seat": format!("A\"{id}"), "status": status})
        };
        assert_eq!(page["tickets"], json!([ticket(1, "available"), ticket(2, "reserved"), ticket(3, "booked")]));
    }

    #[test]
    fn the_same_statuses_are_the_same_bytes_and_the_same_tag_in_every_process() {
        let (here, elsewhere) = (template(&event(2)), template(&event(2)));
        let statuses: Box<[_]> = [Reserved, Available].into();
        assert!(here.rendered_last(&statuses).is_none());
        let page = here.render(statuses.clone());
        assert!(Arc::ptr_eq(&page, &here.rendered_last(&statuses).unwrap()));
        assert_eq!(page.etag, elsewhere.render(statuses.clone()).etag);
        let other = here.render([Available, Reserved].into());
        assert_ne!(page.etag, other.etag);
        assert!(here.rendered_last(&statuses).is_none());
        let renamed = template(&EventDetails { name: "Renamed".to_owned(), ..event(2) }).render(statuses);
        assert_ne!(page.etag, renamed.etag);
        assert_eq!(page.state.id, renamed.state.id, "the seats did not change");
    }

    #[test]
    fn the_weight_covers_everything_that_is_kept() {
        let template = template(&event(100));
        let page = template.render(vec![Available; 100].into());
        assert!(template.weight() as usize > template.text.len() + 2 * page.body.len());
        assert_eq!(page.body.len(), template.rendered_bytes());
    }
}
