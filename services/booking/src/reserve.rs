//! Reserving: a hold in Redis first, then a look at PostgreSQL.
//!
//! In this order a ticket that is sold between the two steps is found out; in the other order it would not be.

use seats::{HeldTicket, Hold, Occupied};
use uuid::Uuid;

use crate::{
    booking::Booking,
    catalog::State,
    failure::{Failure, Refusal},
};

/// A reservation is tried again once: after a mark in Redis that PostgreSQL contradicts was cleared, or after the ticket
/// turned out to have moved to another event.
const TRIES: usize = 2;

enum Attempt {
    /// The ticket is the customer's.
    Held(HeldTicket),
    /// What Redis had or we remembered was out of date and has been mended.
    Mended,
}

impl Booking {
    /// Holds the ticket for the user. The owner's repeat succeeds and prolongs nothing.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn reserve(&self, ticket: Uuid, user: Uuid) -> Result<(), Failure> {
        let outcome = self.try_reserve(ticket, user).await;
        self.metrics.reserved(&outcome);
        outcome.map(drop)
    }

    async fn try_reserve(&self, ticket: Uuid, user: Uuid) -> Result<HeldTicket, Failure> {
        for _ in 0..TRIES {
            if let Attempt::Held(held) = self.hold_and_check(ticket, user).await? {
                return Ok(held);
            }
        }
        Err(Failure::Refused(Refusal::Sold))
    }

    async fn hold_and_check(&self, ticket: Uuid, user: Uuid) -> Result<Attempt, Failure> {
        let Some(event_uuid) = self.catalog.event_of(ticket).await? else {
            return Err(Failure::Refused(Refusal::Unknown));
        };
        let mut redis = self.redis.clone();
        match seats::hold(&mut redis, &event_uuid, user, &[ticket], self.hold).await? {
            Hold::Held(held) => match held.first() {
                Some(held) => self.check(&event_uuid, user, *held).await,
                None => Err(Failure::Refused(Refusal::Unknown)),
            },
            Hold::Refused { because: Occupied::Held, .. } => Err(Failure::Refused(Refusal::Held)),
            Hold::Refused { because: Occupied::Selling, .. } => Err(Failure::Refused(Refusal::Selling)),
            Hold::Refused { because: Occupied::Booked, .. } => {
                if self.catalog.is_sold(ticket).await? {
                    return Err(Failure::Refused(Refusal::Sold));
                }
                // Set back by hand: PostgreSQL is right.
                seats::clear_booked(&mut redis, &event_uuid, &[ticket]).await?;
                Ok(Attempt::Mended)
            }
        }
    }

    /// Looks at PostgreSQL while the ticket is held, and gives back what cannot be had.
    async fn check(&self, event_uuid: &str, user: Uuid, held: HeldTicket) -> Result<Attempt, Failure> {
        let mut redis = self.redis.clone();
        let ticket = match self.catalog.read(held.ticket).await {
            Ok(ticket) => ticket,
            Err(error) => {
                // The customer hears that it did not work, so the ticket should not be kept from others. Should this fail
                // too, the hold runs out.
                if held.new {
                    let _ = seats::release_unanswered(&mut redis, event_uuid, user, &held).await;
                }
                return Err(error.into());
            }
        };
        let refusal = match ticket {
            Some(ticket) if *ticket.event_uuid != *event_uuid => None,
            Some(ticket) => match ticket.state {
                State::Available => return Ok(Attempt::Held(held)),
                State::Sold => Some(Refusal::Sold),
                State::Over => Some(Refusal::Over),
            },
            None => Some(Refusal::Unknown),
        };
        seats::release(&mut redis, event_uuid, user, &[held.ticket]).await?;
        match refusal {
            Some(refusal) => Err(Failure::Refused(refusal)),
            None => Ok(Attempt::Mended),
        }
    }
}
