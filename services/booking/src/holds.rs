//! Holds: taking seats, looking at what is held, extending it, giving it back.
//!
//! Taking is a hold in Redis first, then a look at PostgreSQL. In this order a ticket that is sold between the two steps is
//! found out; in the other order it would not be.

use std::time::Duration;

use ids::{EventId, HoldId, TicketId, UserId};
use seats::{HoldLookup, HoldOutcome, HoldView, Occupied, PlacedHold};

use crate::{
    booking::Booking,
    failure::{Failure, Refusal},
};

/// Taking is tried again once: after a mark in Redis that PostgreSQL contradicts was cleared, or after a ticket turned
/// out to have moved to another event.
const TRIES: usize = 2;

enum Attempt {
    /// The tickets are the customer's.
    Held(PlacedHold),
    /// What Redis had or we remembered was out of date and has been mended.
    Mended,
}

/// A hold as its owner sees it.
#[derive(Debug)]
pub struct HoldOfUser {
    /// Its name.
    pub hold: HoldId,
    /// The event of its tickets.
    pub event: EventId,
    /// The tickets that are in it.
    pub tickets: Vec<TicketId>,
    /// What is left of it.
    pub left: Duration,
    /// What could be left at the most, were it extended again and again.
    pub longest: Duration,
    /// Whether a ticket that was in it is not the user's any more.
    pub lost: bool,
}

impl Booking {
    /// Holds the ticket for the user. The owner's repeat succeeds and prolongs nothing.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn reserve(&self, ticket: TicketId, user: UserId) -> Result<(), Failure> {
        self.take(None, &[ticket], user).await.map(drop)
    }

    /// Holds all these tickets of an event for the user, or none of them. Also says whether any of them is new.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn hold(
        &self,
        event: EventId,
        tickets: &[TicketId],
        user: UserId,
    ) -> Result<(HoldOfUser, bool), Failure> {
        let held = self.take(Some(event), tickets, user).await?;
        Ok((self.show_hold(held.hold, user).await?, held.is_new()))
    }

    /// The user's hold.
    ///
    /// # Errors
    /// When the user has no such hold, or Redis does not answer.
    pub async fn show_hold(&self, hold: HoldId, user: UserId) -> Result<HoldOfUser, Failure> {
        of_user(hold, seats::show_hold(&mut self.redis.clone(), hold, user).await?)
    }

    /// Begins the hold's length anew, up to its lifetime.
    ///
    /// # Errors
    /// When the user has no such hold, it is being sold or cannot get longer, or Redis does not answer.
    pub async fn extend_hold(&self, hold: HoldId, user: UserId) -> Result<HoldOfUser, Failure> {
        of_user(hold, seats::extend_hold(&mut self.redis.clone(), hold, user, &self.limits).await?)
    }

    /// Gives the hold back.
    ///
    /// # Errors
    /// When the user has no such hold, it is being sold, or Redis does not answer.
    pub async fn release_hold(&self, hold: HoldId, user: UserId) -> Result<(), Failure> {
        of_user(hold, seats::release_hold(&mut self.redis.clone(), hold, user).await?).map(drop)
    }

    async fn take(&self, event: Option<EventId>, tickets: &[TicketId], user: UserId) -> Result<PlacedHold, Failure> {
        let outcome = self.try_to_take(event, tickets, user).await;
        self.metrics.reserved(&outcome);
        outcome
    }

    async fn try_to_take(
        &self,
        event: Option<EventId>,
        tickets: &[TicketId],
        user: UserId,
    ) -> Result<PlacedHold, Failure> {
        for _ in 0..TRIES {
            if let Attempt::Held(held) = self.hold_and_check(event, tickets, user).await? {
                return Ok(held);
            }
        }
        Err(Failure::Refused(Refusal::Sold))
    }

    async fn hold_and_check(
        &self,
        event: Option<EventId>,
        tickets: &[TicketId],
        user: UserId,
    ) -> Result<Attempt, Failure> {
        let event = self.event_of_all(event, tickets).await?;
        for ticket in tickets {
            if let Some(because) = self.crowds.refusal(*ticket, user) {
                return self.occupied(event, *ticket, because).await;
            }
        }
        let mut redis = self.redis.clone();
        match seats::hold(&mut redis, event, user, tickets, &self.limits).await? {
            HoldOutcome::Placed(held) => {
                tickets.iter().for_each(|ticket| self.crowds.given(*ticket));
                self.check(event, user, held).await
            }
            HoldOutcome::Refused { ticket, because, owner } => {
                if let Some(owner) = owner {
                    self.crowds.refused(ticket, owner, because);
                }
                self.occupied(event, ticket, because).await
            }
        }
    }

    async fn occupied(&self, event: EventId, ticket: TicketId, because: Occupied) -> Result<Attempt, Failure> {
        match because {
            Occupied::Held => Err(Failure::Refused(Refusal::Held)),
            Occupied::Selling => Err(Failure::Refused(Refusal::Selling)),
            Occupied::Limit => Err(Failure::Refused(Refusal::Limit)),
            Occupied::Booked if self.catalog.is_sold(ticket).await? => Err(Failure::Refused(Refusal::Sold)),
            Occupied::Booked => {
                // Set back by hand: PostgreSQL is right.
                seats::clear_booked(&mut self.redis.clone(), event, None, &[ticket]).await?;
                Ok(Attempt::Mended)
            }
        }
    }

    async fn event_of_all(&self, event: Option<EventId>, tickets: &[TicketId]) -> Result<EventId, Failure> {
        let mut of_all = event;
        for ticket in tickets {
            let event = self.catalog.event_of(*ticket).await?.ok_or(Failure::Refused(Refusal::Unknown))?;
            if *of_all.get_or_insert(event) != event {
                return Err(Failure::Refused(Refusal::OtherEvent));
            }
        }
        of_all.ok_or(Failure::Refused(Refusal::Unknown))
    }

    /// Looks at PostgreSQL while the tickets are held, and gives back what cannot be had.
    async fn check(&self, event: EventId, user: UserId, held: PlacedHold) -> Result<Attempt, Failure> {
        let verdict = self.judge(event, user, &held).await;
        let mut redis = self.redis.clone();
        match verdict {
            Ok(Verdict::Good) => return Ok(Attempt::Held(held)),
            Ok(Verdict::Bad { ref gone, .. }) if !gone.is_empty() => {
                // Nobody can have these, whoever was answered with them meanwhile.
                seats::release(&mut redis, event, user, gone).await?;
            }
            _ => {}
        }
        // The customer hears that it did not work, so what is new should not be kept from others. Should this fail too, the
        // hold runs out.
        if held.is_new() {
            let _ = seats::release_unanswered(&mut redis, event, user, &held).await;
        }
        match verdict? {
            Verdict::Bad { refusal: Some(refusal), .. } => Err(Failure::Refused(refusal)),
            _ => Ok(Attempt::Mended),
        }
    }

    async fn judge(&self, event: EventId, user: UserId, held: &PlacedHold) -> Result<Verdict, Failure> {
        let asked: Vec<TicketId> = held.tickets.iter().map(|held| held.ticket).collect();
        let tickets = self.catalog.read(&asked).await?;
        let (mut gone, mut refusal, mut moved) = (Vec::new(), None, false);
        for held in &held.tickets {
            let ticket = tickets.get(&held.ticket);
            if ticket.is_some_and(|ticket| ticket.event != event) {
                moved = true;
                gone.push(held.ticket);
                continue;
            }
            let why = ticket.map_or(Some(Refusal::Unknown), |ticket| ticket.state.refusal(!held.new));
            if let Some(why) = why {
                refusal = refusal.or(Some(why));
                gone.push(held.ticket);
            }
        }
        if gone.is_empty() && held.is_new() && self.is_over_the_cap(event, user, held).await? {
            return Ok(Verdict::Bad { gone, refusal: Some(Refusal::Limit) });
        }
        if gone.is_empty() && !moved { Ok(Verdict::Good) } else { Ok(Verdict::Bad { gone, refusal }) }
    }

    /// Redis counts what is held and what it knows to be bought; PostgreSQL knows all that is bought.
    async fn is_over_the_cap(&self, event: EventId, user: UserId, held: &PlacedHold) -> Result<bool, Failure> {
        if self.limits.tickets_per_user == 0 {
            return Ok(false);
        }
        let bought: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM order_tickets JOIN orders ON orders.id = order_tickets.order_id
             WHERE orders.user_uuid = $1 AND orders.event_uuid = $2 AND order_tickets.ticket_id IS NOT NULL
               AND order_tickets.ticket_uuid <> ALL ($3)",
        )
        .bind(user)
        .bind(event)
        .bind(&held.counted)
        .fetch_one(&self.postgres)
        .await?;
        let counted = u64::try_from(bought).unwrap_or_default() + held.counted.len() as u64;
        Ok(counted > u64::from(self.limits.tickets_per_user))
    }
}

/// What PostgreSQL says of a hold.
enum Verdict {
    Good,
    /// These cannot be had, or the whole cannot; without a refusal it is worth another try.
    Bad {
        gone: Vec<TicketId>,
        refusal: Option<Refusal>,
    },
}

fn of_user(hold: HoldId, answer: HoldLookup) -> Result<HoldOfUser, Failure> {
    match answer {
        HoldLookup::Found(HoldView { event, tickets, left, longest, lost, .. }) => {
            Ok(HoldOfUser { hold, event, tickets, left, longest, lost })
        }
        HoldLookup::Gone => Err(Failure::Refused(Refusal::NoHold)),
        HoldLookup::Selling => Err(Failure::Refused(Refusal::Selling)),
        HoldLookup::AtItsLimit => Err(Failure::Refused(Refusal::HoldLimit)),
    }
}
