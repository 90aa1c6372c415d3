//! The tickets of an event in the order of its page, and their statuses.

use ids::TicketId;
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::event::TicketDetails;

/// The status of a ticket at the moment of the answer.
#[derive(Serialize, ToSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TicketStatus {
    /// Nobody holds it.
    Available,
    /// A user holds it for a while.
    Reserved,
    /// It is sold.
    Booked,
}

impl TicketStatus {
    /// The status as JSON has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Reserved => "reserved",
            Self::Booked => "booked",
        }
    }
}

/// The tickets of an event. It finds the place of a ticket on the page, so that statuses need no map.
#[derive(Debug)]
pub(crate) struct Tickets {
    /// In ascending order, which is the order of the page.
    ids: Box<[i64]>,
    uuids: Box<[TicketId]>,
    /// The places, sorted by the uuids that stand there.
    by_uuid: Box<[usize]>,
    digest: [u8; 32],
}

/// The memory in bytes that [`Tickets`] needs for a ticket.
pub(crate) const TICKET_BYTES: usize = size_of::<i64>() + size_of::<TicketId>() + size_of::<usize>();

impl Tickets {
    /// The tickets must be in the order of their ids.
    pub(crate) fn new(tickets: &[TicketDetails]) -> Self {
        debug_assert!(tickets.is_sorted_by_key(|ticket| ticket.id), "a page shows tickets in the order of their ids");
        let uuids: Box<[TicketId]> = tickets.iter().map(|ticket| ticket.uuid).collect();
        let mut by_uuid: Box<[usize]> = (0..uuids.len()).collect();
        by_uuid.sort_unstable_by_key(|place| uuids[*place]);
        let mut digest = Sha256::new();
        uuids.iter().for_each(|uuid| digest.update(uuid.0.as_bytes()));
        Self { ids: tickets.iter().map(|ticket| ticket.id).collect(), uuids, by_uuid, digest: digest.finalize().into() }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The uuid of the ticket at a place of the page.
    pub(crate) fn uuid(&self, place: usize) -> TicketId {
        self.uuids[place]
    }

    /// A digest of the uuids in their order. It is the same in every process.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The status of each ticket, by place. Unknown tickets are left out: they were added after the details were read,
    /// and the notification about them is on its way.
    pub(crate) fn statuses(&self, held: &[TicketId], booked: &[i64]) -> Box<[TicketStatus]> {
        let mut statuses = vec![TicketStatus::Available; self.len()].into_boxed_slice();
        for uuid in held {
            if let Ok(found) = self.by_uuid.binary_search_by_key(uuid, |place| self.uuids[*place]) {
                statuses[self.by_uuid[found]] = TicketStatus::Reserved;
            }
        }
        // Booked comes last: a sale is final, whatever Redis says.
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
    use uuid::Uuid;

    use super::{
        TicketStatus::{Available, Booked, Reserved},
        *,
    };

    /// The tickets 1, 2, …, with their ids as uuids.
    pub(crate) fn given_tickets(count: usize) -> Tickets {
        let details = |id| TicketDetails {
            id,
            uuid: TicketId(Uuid::from_u128(u128::try_from(id).unwrap())),
            price: 1,
            seat: format!("A{id}"),
        };
        Tickets::new(&(1..).take(count).map(details).collect::<Vec<_>>())
    }

    #[test]
    fn booked_wins_over_reserved_and_both_over_available() {
        let uuids = [9, 4, 6].map(|id| TicketId(Uuid::from_u128(id)));
        let details = [(1, uuids[0]), (2, uuids[1]), (5, uuids[2])];
        let details = details.map(|(id, uuid)| TicketDetails { id, uuid, price: 1, seat: format!("A{id}") });
        let tickets = Tickets::new(&details);
        assert_eq!(*tickets.statuses(&[], &[]), [Available; 3]);
        assert_eq!(*tickets.statuses(&[uuids[1], uuids[2]], &[5]), [Available, Reserved, Booked]);
        assert_eq!(*tickets.statuses(&[uuids[0]], &[]), [Reserved, Available, Available]);
        assert_eq!(*tickets.statuses(&[TicketId(Uuid::from_u128(5))], &[3, 4]), [Available; 3], "of other events");
    }
}
