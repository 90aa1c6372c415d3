//! Holds: placing, showing, extending and releasing them.
//!
//! A hold is placed in Redis first, and then PostgreSQL is asked about its tickets. In this order a ticket that is sold
//! between the two steps is noticed; in the other order it would not be.

mod catalog;
mod metrics;
mod refusals;

use std::{sync::Arc, time::Duration};

use ids::{EventId, HoldId, TicketId, UserId};
use kit::postgres::Pool;
use redis::aio::ConnectionManager;
use seats::{HoldLimits, HoldLookup, HoldOutcome, HoldView, Occupied, PlacedHold};
use thiserror::Error;

pub(crate) use self::metrics::HoldMetrics;
use self::{catalog::Catalog, refusals::RefusalCache};
use crate::{orders::Orders, refusal::Refusal};

/// A hold is tried again once: after a mark in Redis that PostgreSQL contradicts was cleared, or after a ticket turned
/// out to have moved to another event.
const TRIES: usize = 2;

/// Why a call about a hold did not succeed.
#[derive(Debug, Error)]
pub(crate) enum HoldError {
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The error is shared by all calls of a batch.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] Arc<sqlx::Error>),
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
}

impl From<sqlx::Error> for HoldError {
    fn from(error: sqlx::Error) -> Self {
        Self::Postgres(Arc::new(error))
    }
}

impl HoldError {
    /// The error as a label of metrics.
    fn label(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.label(),
            Self::Postgres(_) => "postgres_failed",
            Self::Redis(_) => "redis_failed",
        }
    }
}

/// A hold as its owner sees it.
#[derive(Debug)]
pub(crate) struct UserHold {
    pub(crate) hold: HoldId,
    pub(crate) event: EventId,
    /// The tickets that are still in it.
    pub(crate) tickets: Vec<TicketId>,
    /// The time until its first ticket is free again.
    pub(crate) left: Duration,
    /// The time that could be left if the hold were extended as far as possible.
    pub(crate) longest: Duration,
    /// Whether the user has lost a ticket that was in it.
    pub(crate) lost: bool,
}

/// The holds of all users.
pub(crate) struct Holds {
    redis: ConnectionManager,
    catalog: Catalog,
    orders: Orders,
    /// Recent refusals, so that a crowd does not ask Redis one by one.
    refusals: RefusalCache,
    limits: HoldLimits,
    metrics: HoldMetrics,
}

/// The outcome of one try.
enum Try {
    Placed(PlacedHold),
    /// Redis or the catalog was out of date and is corrected: another try may succeed.
    Corrected,
}

/// What PostgreSQL says about the tickets of a placed hold.
enum Verdict {
    Good,
    /// These tickets cannot be held, or the hold as a whole cannot. Without a refusal, another try may succeed.
    Bad {
        gone: Vec<TicketId>,
        refusal: Option<Refusal>,
    },
}

impl Holds {
    /// Holds with these limits. To be made within a runtime.
    pub(crate) fn new(
        postgres: Pool,
        redis: ConnectionManager,
        orders: Orders,
        limits: HoldLimits,
        metrics: HoldMetrics,
    ) -> Self {
        Self { redis, catalog: Catalog::new(postgres), orders, refusals: RefusalCache::default(), limits, metrics }
    }

    /// Holds the ticket for the user. The owner's repeat succeeds and does not prolong the hold.
    pub(crate) async fn reserve(&self, ticket: TicketId, user: UserId) -> Result<(), HoldError> {
        self.place(None, &[ticket], user).await.map(drop)
    }

    /// Holds all these tickets of an event for the user, or none of them. The second value says whether any of them is
    /// new.
    pub(crate) async fn hold(
        &self,
        event: EventId,
        tickets: &[TicketId],
        user: UserId,
    ) -> Result<(UserHold, bool), HoldError> {
        let placed = self.place(Some(event), tickets, user).await?;
        Ok((self.show(placed.hold, user).await?, placed.is_new()))
    }

    pub(crate) async fn show(&self, hold: HoldId, user: UserId) -> Result<UserHold, HoldError> {
        found(hold, seats::show_hold(&mut self.redis.clone(), hold, user).await?)
    }

    /// Starts the hold's length again, up to its lifetime.
    pub(crate) async fn extend(&self, hold: HoldId, user: UserId) -> Result<UserHold, HoldError> {
        found(hold, seats::extend_hold(&mut self.redis.clone(), hold, user, &self.limits).await?)
    }

    pub(crate) async fn release(&self, hold: HoldId, user: UserId) -> Result<(), HoldError> {
        found(hold, seats::release_hold(&mut self.redis.clone(), hold, user).await?).map(drop)
    }

    /// The event that a ticket belongs to.
    pub(crate) async fn event_of(&self, ticket: TicketId) -> Result<EventId, HoldError> {
        self.catalog.event_of(ticket).await?.ok_or(HoldError::Refused(Refusal::Unknown))
    }

    async fn place(&self, event: Option<EventId>, tickets: &[TicketId], user: UserId) -> Result<PlacedHold, HoldError> {
        let outcome = self.place_with_one_retry(event, tickets, user).await;
        self.metrics.count(&outcome);
        outcome
    }

    async fn place_with_one_retry(
        &self,
        event: Option<EventId>,
        tickets: &[TicketId],
        user: UserId,
    ) -> Result<PlacedHold, HoldError> {
        for _ in 0..TRIES {
            if let Try::Placed(placed) = self.place_once(event, tickets, user).await? {
                return Ok(placed);
            }
        }
        Err(HoldError::Refused(Refusal::Sold))
    }

    async fn place_once(&self, event: Option<EventId>, tickets: &[TicketId], user: UserId) -> Result<Try, HoldError> {
        let event = self.common_event(event, tickets).await?;
        for ticket in tickets {
            if let Some(because) = self.refusals.find(*ticket, user) {
                return self.occupied(event, *ticket, because).await;
            }
        }
        match seats::hold(&mut self.redis.clone(), event, user, tickets, &self.limits).await? {
            HoldOutcome::Placed(placed) => {
                for ticket in tickets {
                    self.refusals.forget(*ticket);
                }
                self.verify_in_postgres(event, user, placed).await
            }
            HoldOutcome::Refused { ticket, because, owner } => {
                if let Some(owner) = owner {
                    self.refusals.note(ticket, owner, because);
                }
                self.occupied(event, ticket, because).await
            }
        }
    }

    /// The event of all these tickets, which must be the one named.
    async fn common_event(&self, named: Option<EventId>, tickets: &[TicketId]) -> Result<EventId, HoldError> {
        let mut common = named;
        for ticket in tickets {
            let event = self.event_of(*ticket).await?;
            if *common.get_or_insert(event) != event {
                return Err(HoldError::Refused(Refusal::OtherEvent));
            }
        }
        common.ok_or(HoldError::Refused(Refusal::Unknown))
    }

    async fn occupied(&self, event: EventId, ticket: TicketId, because: Occupied) -> Result<Try, HoldError> {
        match because {
            Occupied::Held => Err(HoldError::Refused(Refusal::Held)),
            Occupied::Selling => Err(HoldError::Refused(Refusal::Selling)),
            Occupied::Limit => Err(HoldError::Refused(Refusal::Limit)),
            Occupied::Booked if self.catalog.is_sold(ticket).await? => Err(HoldError::Refused(Refusal::Sold)),
            Occupied::Booked => {
                // Somebody made the ticket available by hand: PostgreSQL is right.
                seats::clear_booked(&mut self.redis.clone(), event, None, &[ticket]).await?;
                Ok(Try::Corrected)
            }
        }
    }

    /// Asks PostgreSQL while the tickets are held, and releases what cannot be held.
    async fn verify_in_postgres(&self, event: EventId, user: UserId, placed: PlacedHold) -> Result<Try, HoldError> {
        let verdict = self.verdict(event, user, &placed).await;
        let mut redis = self.redis.clone();
        match verdict {
            Ok(Verdict::Good) => return Ok(Try::Placed(placed)),
            Ok(Verdict::Bad { ref gone, .. }) if !gone.is_empty() => {
                // Nobody can have these, whoever was answered with them in the meantime.
                seats::release(&mut redis, event, user, gone).await?;
            }
            _ => {}
        }
        // The customer hears that the call failed, so its new tickets must not be kept from others. If this fails too,
        // the hold runs out.
        if placed.is_new() {
            let _ = seats::release_unanswered(&mut redis, event, user, &placed).await;
        }
        match verdict? {
            Verdict::Bad { refusal: Some(refusal), .. } => Err(HoldError::Refused(refusal)),
            _ => Ok(Try::Corrected),
        }
    }

    async fn verdict(&self, event: EventId, user: UserId, placed: &PlacedHold) -> Result<Verdict, HoldError> {
        let asked: Vec<TicketId> = placed.tickets.iter().map(|placed| placed.ticket).collect();
        let tickets = self.catalog.read(&asked).await?;
        let (mut gone, mut refusal, mut has_moved) = (Vec::new(), None, false);
        for placed in &placed.tickets {
            let ticket = tickets.get(&placed.ticket);
            if ticket.is_some_and(|ticket| ticket.event != event) {
                has_moved = true;
                gone.push(placed.ticket);
                continue;
            }
            let why = ticket.map_or(Some(Refusal::Unknown), |ticket| ticket.state.refusal(!placed.new));
            if let Some(why) = why {
                refusal = refusal.or(Some(why));
                gone.push(placed.ticket);
            }
        }
        if gone.is_empty() && placed.is_new() && self.is_over_the_cap(event, user, placed).await? {
            return Ok(Verdict::Bad { gone, refusal: Some(Refusal::Limit) });
        }
        if gone.is_empty() && !has_moved { Ok(Verdict::Good) } else { Ok(Verdict::Bad { gone, refusal }) }
    }

    /// Redis counts the tickets that are held and those it knows to be bought. PostgreSQL knows all that are bought.
    async fn is_over_the_cap(&self, event: EventId, user: UserId, placed: &PlacedHold) -> Result<bool, HoldError> {
        if self.limits.tickets_per_user == 0 {
            return Ok(false);
        }
        let bought = self.orders.count_bought(user, event, &placed.counted).await?;
        Ok(bought + placed.counted.len() as u64 > u64::from(self.limits.tickets_per_user))
    }
}

fn found(hold: HoldId, lookup: HoldLookup) -> Result<UserHold, HoldError> {
    match lookup {
        HoldLookup::Found(HoldView { event, tickets, left, longest, lost, .. }) => {
            Ok(UserHold { hold, event, tickets, left, longest, lost })
        }
        HoldLookup::Gone => Err(HoldError::Refused(Refusal::NoHold)),
        HoldLookup::Selling => Err(HoldError::Refused(Refusal::Selling)),
        HoldLookup::AtItsLimit => Err(HoldError::Refused(Refusal::HoldLimit)),
    }
}
