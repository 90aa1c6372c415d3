//! Holding tickets and releasing them.

use std::time::Duration;

use ids::{EventId, HoldId, TicketId, UserId};
use redis::{RedisResult, aio::ConnectionLike};

use crate::{
    keys::{SALES_KEY, event_key, kept_ms, milliseconds},
    script::{CLEAR_BOOKED, HOLD, RELEASE, unexpected},
};

/// How long holds last and how many tickets one user may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldLimits {
    /// How long a hold lasts, from when it is placed or extended.
    pub length: Duration,
    /// How long a hold lasts at most, however often it is extended.
    pub lifetime: Duration,
    /// How many tickets of one event a user may hold and have bought together. 0 means any number.
    pub tickets_per_user: u32,
}

impl HoldLimits {
    /// Holds of this length that cannot be extended, of any number of tickets.
    #[must_use]
    pub fn of_length(length: Duration) -> Self {
        Self { length, lifetime: length, tickets_per_user: 0 }
    }
}

/// The outcome of [`hold`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldOutcome {
    /// The user holds all tickets now.
    Placed(PlacedHold),
    /// Nothing was changed, because of this ticket.
    Refused {
        /// The first ticket that cannot be held.
        ticket: TicketId,
        /// Why it cannot be held.
        because: Occupied,
        /// The user whose hold or sale it is, if there is one.
        owner: Option<UserId>,
    },
}

/// Tickets that a user holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedHold {
    /// The hold of the tickets. It is an earlier hold if that one had all of them, otherwise a new one.
    pub hold: HoldId,
    /// The tickets in the order asked.
    pub tickets: Vec<PlacedTicket>,
    /// All tickets of the event that Redis counts for the user's cap, these included. Empty without a cap.
    pub counted: Vec<TicketId>,
}

impl PlacedHold {
    /// Whether this call took any of the tickets.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.tickets.iter().any(|ticket| ticket.new)
    }
}

/// A ticket that the user holds after a call to [`hold`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedTicket {
    /// The ticket.
    pub ticket: TicketId,
    /// Whether this call took it. Otherwise the user had it already.
    pub new: bool,
    /// The time that is left of the hold.
    pub left: Duration,
    /// How many calls were answered with this hold, this one included.
    pub answers: u64,
}

/// Why a ticket cannot be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// Another user holds it.
    Held,
    /// Its sale to another user is being decided.
    Selling,
    /// It is marked as booked. PostgreSQL may know better: see [`clear_booked`].
    Booked,
    /// The user would have more tickets of the event than allowed.
    Limit,
}

/// Holds all these tickets of one event for the user, or none of them. A ticket that the user holds already counts as
/// held and is not prolonged; together with the new ones it becomes one hold. No ticket may be named twice.
///
/// # Errors
/// When Redis does not answer. The tickets may be held then.
pub async fn hold(
    redis: &mut impl ConnectionLike,
    event: EventId,
    user: UserId,
    tickets: &[TicketId],
    limits: &HoldLimits,
) -> RedisResult<HoldOutcome> {
    let answer: Vec<String> = HOLD
        .key(event_key(event))
        .key(SALES_KEY)
        .arg(user)
        .arg(HoldId::random())
        .arg(milliseconds(limits.length))
        .arg(milliseconds(limits.lifetime))
        .arg(limits.tickets_per_user)
        .arg(kept_ms(limits.lifetime))
        .arg(tickets)
        .invoke_async(redis)
        .await?;
    read_hold(&answer, tickets).ok_or_else(|| unexpected(&answer))
}

fn read_hold(answer: &[String], tickets: &[TicketId]) -> Option<HoldOutcome> {
    let (verdict, details) = answer.split_first()?;
    match (verdict.as_str(), details) {
        ("refused", [ticket, because, owner]) => {
            let because = match because.as_str() {
                "held" => Occupied::Held,
                "selling" => Occupied::Selling,
                "booked" => Occupied::Booked,
                "limit" => Occupied::Limit,
                _ => return None,
            };
            Some(HoldOutcome::Refused { ticket: ticket.parse().ok()?, because, owner: owner.parse().ok() })
        }
        ("held", [hold, counted, rest @ ..]) => {
            let (counted, details) = rest.split_at_checked(counted.parse().ok()?)?;
            if details.len() != 3 * tickets.len() {
                return None;
            }
            let placed = tickets.iter().zip(details.chunks(3)).map(|(ticket, details)| read_ticket(*ticket, details));
            Some(HoldOutcome::Placed(PlacedHold {
                hold: hold.parse().ok()?,
                tickets: placed.collect::<Option<_>>()?,
                counted: counted.iter().map(|ticket| ticket.parse().ok()).collect::<Option<_>>()?,
            }))
        }
        _ => None,
    }
}

fn read_ticket(ticket: TicketId, details: &[String]) -> Option<PlacedTicket> {
    let [new, left_ms, answers] = details else { return None };
    Some(PlacedTicket {
        ticket,
        new: new == "1",
        left: Duration::from_millis(left_ms.parse().ok()?),
        answers: answers.parse().ok()?,
    })
}

/// Ends the user's holds on these tickets. Holds of others and sales that are being decided stay. Returns how many
/// ended.
///
/// # Errors
/// When Redis does not answer.
pub async fn release(
    redis: &mut impl ConnectionLike,
    event: EventId,
    user: UserId,
    tickets: &[TicketId],
) -> RedisResult<usize> {
    const ANY_NUMBER_OF_ANSWERS: &str = "";
    RELEASE.key(event_key(event)).arg(user).arg(ANY_NUMBER_OF_ANSWERS).arg(tickets).invoke_async(redis).await
}

/// Releases the tickets that a call took before it failed. A ticket that another call was answered with in the meantime
/// stays: that customer was told that they hold it.
///
/// # Errors
/// When Redis does not answer.
pub async fn release_unanswered(
    redis: &mut impl ConnectionLike,
    event: EventId,
    user: UserId,
    placed: &PlacedHold,
) -> RedisResult<usize> {
    const ONE_ANSWER: u64 = 1;
    let taken: Vec<TicketId> = placed.tickets.iter().filter(|ticket| ticket.new).map(|ticket| ticket.ticket).collect();
    RELEASE.key(event_key(event)).arg(user).arg(ONE_ANSWER).arg(taken).invoke_async(redis).await
}

/// Removes the `booked` marks of tickets that are available in PostgreSQL, and takes the tickets from their buyer's
/// count if the buyer is known. If a ticket is sold at the same moment, PostgreSQL still refuses the second sale.
/// Returns how many marks were removed.
///
/// # Errors
/// When Redis does not answer.
pub async fn clear_booked(
    redis: &mut impl ConnectionLike,
    event: EventId,
    buyer: Option<UserId>,
    tickets: &[TicketId],
) -> RedisResult<usize> {
    const NO_BUYER: &str = "";
    let mut call = CLEAR_BOOKED.key(event_key(event));
    let call = match buyer {
        Some(buyer) => call.arg(buyer),
        None => call.arg(NO_BUYER),
    };
    call.arg(tickets).invoke_async(redis).await
}
