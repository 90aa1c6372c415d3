//! Holding tickets and letting go of them.

use std::time::Duration;

use redis::{RedisResult, aio::ConnectionLike};
use uuid::Uuid;

use crate::{
    keys::{SALES_KEY, event_key, kept_ms, milliseconds},
    script::{CLEAR_BOOKED, HOLD, RELEASE, spelled, unexpected},
};

/// How long holds last and how many tickets one user may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldLimits {
    /// How long a hold lasts, from when it is taken or extended.
    pub length: Duration,
    /// How long it lasts at the most, however often it is extended.
    pub lifetime: Duration,
    /// How many tickets of one event a user may hold and have bought together; 0 for any number.
    pub tickets_per_user: u32,
}

impl HoldLimits {
    /// Holds of this length that cannot be extended, of any number of tickets.
    #[must_use]
    pub fn of_length(length: Duration) -> Self {
        Self { length, lifetime: length, tickets_per_user: 0 }
    }
}

/// What became of a call to [`hold`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// All tickets are held by this user now.
    Held(Held),
    /// Nothing was changed, because of this ticket.
    Refused {
        /// The first ticket that cannot be had.
        ticket: Uuid,
        /// Who or what has it.
        because: Occupied,
        /// The user whose hold or sale it is, if it is one's.
        owner: Option<Uuid>,
    },
}

/// Tickets that a user holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The hold they belong to: one that was there already if all of them were in it, else a new one.
    pub hold: Uuid,
    /// The tickets in the order asked.
    pub tickets: Vec<HeldTicket>,
    /// All tickets of the event that Redis counts for the user's cap, these included. Empty without a cap.
    pub counted: Vec<Uuid>,
}

impl Held {
    /// Whether this call took any of the tickets.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.tickets.iter().any(|ticket| ticket.new)
    }
}

/// A ticket that this user holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldTicket {
    /// The ticket.
    pub ticket: Uuid,
    /// Whether this call took it; otherwise the user had it already.
    pub new: bool,
    /// What is left of the hold.
    pub left: Duration,
    /// How many calls were answered with this hold, this one included.
    pub answers: u64,
}

/// Why a ticket cannot be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// Somebody else holds it.
    Held,
    /// Its sale to somebody else is being decided.
    Selling,
    /// Marked as sold. PostgreSQL may know better: see [`clear_booked`].
    Booked,
    /// With it the user would have more tickets of the event than one may.
    Limit,
}

/// Holds all these tickets of one event for the user, or none of them. What the user holds already counts as held and is
/// not prolonged; together with what is new it becomes one hold. The tickets must differ from each other.
///
/// # Errors
/// When Redis does not answer; then the tickets may be held.
pub async fn hold(
    redis: &mut impl ConnectionLike,
    event_uuid: &str,
    user: Uuid,
    tickets: &[Uuid],
    limits: &HoldLimits,
) -> RedisResult<Hold> {
    let answer: Vec<String> = HOLD
        .key(event_key(event_uuid))
        .key(SALES_KEY)
        .arg(user.to_string())
        .arg(Uuid::new_v4().to_string())
        .arg(milliseconds(limits.length))
        .arg(milliseconds(limits.lifetime))
        .arg(limits.tickets_per_user)
        .arg(kept_ms(limits.lifetime))
        .arg(spelled(tickets))
        .invoke_async(redis)
        .await?;
    read_hold(&answer, tickets).ok_or_else(|| unexpected(&answer))
}

fn read_hold(answer: &[String], tickets: &[Uuid]) -> Option<Hold> {
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
            Some(Hold::Refused { ticket: ticket.parse().ok()?, because, owner: owner.parse().ok() })
        }
        ("held", [hold, counted, rest @ ..]) => {
            let (counted, details) = rest.split_at_checked(counted.parse().ok()?)?;
            if details.len() != 3 * tickets.len() {
                return None;
            }
            let held = tickets.iter().zip(details.chunks(3)).map(|(ticket, details)| read_held(*ticket, details));
            Some(Hold::Held(Held {
                hold: hold.parse().ok()?,
                tickets: held.collect::<Option<_>>()?,
                counted: counted.iter().map(|ticket| ticket.parse().ok()).collect::<Option<_>>()?,
            }))
        }
        _ => None,
    }
}

fn read_held(ticket: Uuid, details: &[String]) -> Option<HeldTicket> {
    let [new, left_ms, answers] = details else { return None };
    Some(HeldTicket {
        ticket,
        new: new == "1",
        left: Duration::from_millis(left_ms.parse().ok()?),
        answers: answers.parse().ok()?,
    })
}

/// Ends the user's holds on these tickets. Others' holds and sales that are being decided stay. Returns how many ended.
///
/// # Errors
/// When Redis does not answer.
pub async fn release(
    redis: &mut impl ConnectionLike,
    event_uuid: &str,
    user: Uuid,
    tickets: &[Uuid],
) -> RedisResult<usize> {
    let any_number_of_answers = "";
    RELEASE
        .key(event_key(event_uuid))
        .arg(user.to_string())
        .arg(any_number_of_answers)
        .arg(spelled(tickets))
        .invoke_async(redis)
        .await
}

/// Gives back what a call took whose caller is going to hear nothing good of it, but for tickets that another call was
/// answered with meanwhile: a customer who was told "yours" keeps it.
///
/// # Errors
/// When Redis does not answer.
pub async fn release_unanswered(
    redis: &mut impl ConnectionLike,
    event_uuid: &str,
    user: Uuid,
    held: &Held,
) -> RedisResult<usize> {
    const OF_ITS_TAKER_ALONE: u64 = 1;
    let taken: Vec<Uuid> = held.tickets.iter().filter(|ticket| ticket.new).map(|ticket| ticket.ticket).collect();
    RELEASE
        .key(event_key(event_uuid))
        .arg(user.to_string())
        .arg(OF_ITS_TAKER_ALONE)
        .arg(spelled(&taken))
        .invoke_async(redis)
        .await
}

/// Takes the marks of a sale from tickets that are available in PostgreSQL, and from their buyer's count where he is known.
/// Should one have been sold in the meantime, PostgreSQL still refuses the second sale. Returns how many marks were taken away.
///
/// # Errors
/// When Redis does not answer.
pub async fn clear_booked(
    redis: &mut impl ConnectionLike,
    event_uuid: &str,
    buyer: Option<Uuid>,
    tickets: &[Uuid],
) -> RedisResult<usize> {
    let buyer = buyer.map(|buyer| buyer.to_string()).unwrap_or_default();
    CLEAR_BOOKED.key(event_key(event_uuid)).arg(buyer).arg(spelled(tickets)).invoke_async(redis).await
}
