//! Holding tickets and letting go of them.

use std::time::Duration;

use redis::{RedisResult, aio::ConnectionLike};
use uuid::Uuid;

use crate::{
    keys::{SALES_KEY, event_key, kept_ms, milliseconds},
    script::{CLEAR_BOOKED, HOLD, RELEASE, spelled, unexpected},
};

/// What became of a call to [`hold`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// All tickets are held by this user now, in the order asked.
    Held(Vec<HeldTicket>),
    /// Nothing was changed, because of this ticket.
    Refused {
        /// The first ticket that cannot be had.
        ticket: Uuid,
        /// Who or what has it.
        because: Occupied,
    },
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
}

/// Holds all these tickets of one event for the user, or none of them. What the user holds already counts as held and is
/// not prolonged. The tickets must differ from each other.
///
/// # Errors
/// When Redis does not answer; then the tickets may be held.
pub async fn hold(
    redis: &mut impl ConnectionLike,
    event_uuid: &str,
    user: Uuid,
    tickets: &[Uuid],
    length: Duration,
) -> RedisResult<Hold> {
    let answer: Vec<String> = HOLD
        .key(event_key(event_uuid))
        .key(SALES_KEY)
        .arg(user.to_string())
        .arg(milliseconds(length))
        .arg(kept_ms(length))
        .arg(spelled(tickets))
        .invoke_async(redis)
        .await?;
    read_hold(&answer, tickets).ok_or_else(|| unexpected(&answer))
}

fn read_hold(answer: &[String], tickets: &[Uuid]) -> Option<Hold> {
    let (verdict, details) = answer.split_first()?;
    match (verdict.as_str(), details) {
        ("refused", [ticket, because]) => {
            let because = match because.as_str() {
                "held" => Occupied::Held,
                "selling" => Occupied::Selling,
                "booked" => Occupied::Booked,
                _ => return None,
            };
            Some(Hold::Refused { ticket: ticket.parse().ok()?, because })
        }
        ("held", details) if details.len() == 3 * tickets.len() => tickets
            .iter()
            .zip(details.chunks(3))
            .map(|(ticket, details)| read_held(*ticket, details))
            .collect::<Option<_>>()
            .map(Hold::Held),
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

/// Gives a hold back that its taker is going to hear nothing good of, unless another call was answered with it meanwhile:
/// a customer who was told "yours" keeps it.
///
/// # Errors
/// When Redis does not answer.
pub async fn release_unanswered(
    redis: &mut impl ConnectionLike,
    event_uuid: &str,
    user: Uuid,
    held: &HeldTicket,
) -> RedisResult<usize> {
    RELEASE
        .key(event_key(event_uuid))
        .arg(user.to_string())
        .arg(held.answers)
        .arg(held.ticket.to_string())
        .invoke_async(redis)
        .await
}

/// Takes the marks of a sale from tickets that are available in PostgreSQL. Should one have been sold in the meantime,
/// PostgreSQL still refuses the second sale. Returns how many marks were taken away.
///
/// # Errors
/// When Redis does not answer.
pub async fn clear_booked(redis: &mut impl ConnectionLike, event_uuid: &str, tickets: &[Uuid]) -> RedisResult<usize> {
    CLEAR_BOOKED.key(event_key(event_uuid)).arg(spelled(tickets)).invoke_async(redis).await
}
