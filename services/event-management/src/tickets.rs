//! The tickets of an event in the order of its page, and the status of each.

use ids::TicketId;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::details::TicketDetails;

/// The state of a seat at the moment of the answer.
#[derive(Serialize, ToSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TicketStatus {
    /// Nobody has it.
    Available,
    /// Somebody holds it for a while.
    Reserved,
    /// It is sold.
    Booked,
}

impl TicketStatus {
    /// As it is written in JSON.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Reserved => "reserved",
            Self::Booked => "booked",
        }
    }
}

/// Which tickets an event has: finds the place of each on the page, so that statuses need no map.
#[derive(Debug)]
pub(crate) struct Tickets {
    /// Ascending, which is the order of the page.
    ids: Box<[i64]>,
    uuids: Box<[Uuid]>,
    /// Places in the order of the uuids there.
    by_uuid: Box<[usize]>,
    digest: [u8; 32],
}

/// Bytes that a ticket takes here.
pub(crate) const TICKET_BYTES: usize = size_of::<i64>() + size_of::<Uuid>() + size_of::<usize>();

impl Tickets {
    /// The tickets must be in the order of their ids.
    pub(crate) fn new(tickets: &[TicketDetails]) -> Self {
        debug_assert!(tickets.is_sorted_by_key(|ticket| ticket.id), "a page shows tickets in the order of their ids");
        let uuids: Box<[Uuid]> = tickets.iter().map(|ticket| ticket.uuid).collect();
        let mut by_uuid: Box<[usize]> = (0..uuids.len()).collect();
        by_uuid.sort_unstable_by_key(|place| uuids[*place]);
        let mut digest = Sha256::new();
        uuids.iter().for_each(|uuid| digest.update(uuid.as_bytes()));
        Self { ids: tickets.iter().map(|ticket| ticket.id).collect(), uuids, by_uuid, digest: digest.finalize().into() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The ticket at a place of the page.
    pub(crate) fn uuid(&self, place: usize) -> Uuid {
        self.uuids[place]
    }

    /// The same for the same tickets in the same order, in every process.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The status of each, by place. Tickets of which nothing is known here are left out: they came after the details
    /// were read, and the announcement of that is on its way.
    pub(crate) fn statuses(&self, held: &[TicketId], booked: &[i64]) -> Box<[TicketStatus]> {
        let mut statuses = vec![TicketStatus::Available; self.len()].into_boxed_slice();
        for TicketId(uuid) in held {
            if let Ok(found) = self.by_uuid.binary_search_by_key(uuid, |place| self.uuids[*place]) {
                statuses[self.by_uuid[found]] = TicketStatus::Reserved;
            }
        }
        // What is sold is sold, whatever else is said of it.
        for id in booked {
            if let Ok(place) = self.ids.binary_search(id) {
                statuses[place] = TicketStatus::Booked;
            }
        }
        statuses
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{
        TicketStatus::{Available, Booked, Reserved},
        *,
    };

    /// The tickets 1, 2, …, with their ids as uuids.
    pub(crate) fn given_tickets(count: usize) -> Tickets {
        let details = |id| TicketDetails {
            id,
            uuid: Uuid::from_u128(u128::try_from(id).unwrap()),
            price: 1,
            seat: format!("A{id}"),
        };
        Tickets::new(&(1..).take(count).map(details).collect::<Vec<_>>())
    }

    #[test]
    fn booked_wins_over_reserved_and_both_over_available() {
        let uuids = [9, 4, 6].map(Uuid::from_u128);
        let details = [(1, uuids[0]), (2, uuids[1]), (5, uuids[2])];
        let details = details.map(|(id, uuid)| TicketDetails { id, uuid, price: 1, seat: format!("A{id}") });
        let tickets = Tickets::new(&details);
        assert_eq!(*tickets.statuses(&[], &[]), [Available; 3]);
        assert_eq!(*tickets.statuses(&[TicketId(uuids[1]), TicketId(uuids[2])], &[5]), [Available, Reserved, Booked]);
        assert_eq!(*tickets.statuses(&[TicketId(uuids[0])], &[]), [Reserved, Available, Available]);
        assert_eq!(*tickets.statuses(&[TicketId(Uuid::from_u128(5))], &[3, 4]), [Available; 3], "of other events");
    }
}
