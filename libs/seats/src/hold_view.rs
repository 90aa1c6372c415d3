//! A hold as a whole: shown, extended, released. Only its owner finds it.

use std::time::Duration;

use ids::{EventId, HoldId, TicketId, UserId};
use redis::{RedisResult, ScriptInvocation, aio::ConnectionLike};

use crate::{
    hold::HoldLimits,
    keys::{event_of, kept_ms, milliseconds},
    script::{EXTEND_HOLD, RELEASE_HOLD, SHOW_HOLD, unexpected},
};

/// A hold with its tickets and the time it has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldView {
    /// The event of its tickets.
    pub event: EventId,
    /// The tickets that are still in it.
    pub tickets: Vec<TicketId>,
    /// The time until its first ticket is free again.
    pub left: Duration,
    /// The time that could be left if the hold were extended as far as possible.
    pub longest: Duration,
    /// Whether it is being sold. Then no expiry ends it.
    pub selling: bool,
    /// Whether the user has lost a ticket that was in it.
    pub lost: bool,
}

/// The answer to a call about a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldLookup {
    /// The call took effect. This is the hold after it; for a release, the hold before it.
    Found(HoldView),
    /// The user has no such hold, or no longer.
    Gone,
    /// Nothing was changed: the hold is being sold.
    Selling,
    /// Nothing was changed: the hold cannot be extended any further.
    AtItsLimit,
}

/// Reads a hold.
///
/// # Errors
/// When Redis does not answer.
pub async fn show_hold(redis: &mut impl ConnectionLike, hold: HoldId, user: UserId) -> RedisResult<HoldLookup> {
    ask(redis, SHOW_HOLD.arg(hold).arg(user)).await
}

/// Starts the length of a hold again, up to its lifetime.
///
/// # Errors
/// When Redis does not answer. The hold may have been extended then.
pub async fn extend_hold(
    redis: &mut impl ConnectionLike,
    hold: HoldId,
    user: UserId,
    limits: &HoldLimits,
) -> RedisResult<HoldLookup> {
    let mut call = EXTEND_HOLD.arg(hold);
    ask(redis, call.arg(user).arg(milliseconds(limits.length)).arg(kept_ms(limits.lifetime))).await
}

/// Releases all tickets of a hold.
///
/// # Errors
/// When Redis does not answer. The tickets may be free then.
pub async fn release_hold(redis: &mut impl ConnectionLike, hold: HoldId, user: UserId) -> RedisResult<HoldLookup> {
    ask(redis, RELEASE_HOLD.arg(hold).arg(user)).await
}

async fn ask(redis: &mut impl ConnectionLike, call: &mut ScriptInvocation<'_>) -> RedisResult<HoldLookup> {
    let answer: Vec<String> = call.invoke_async(redis).await?;
    read(&answer).ok_or_else(|| unexpected(&answer))
}

fn read(answer: &[String]) -> Option<HoldLookup> {
    let (verdict, details) = answer.split_first()?;
    match (verdict.as_str(), details) {
        ("gone", []) => Some(HoldLookup::Gone),
        ("selling", []) => Some(HoldLookup::Selling),
        ("limit", []) => Some(HoldLookup::AtItsLimit),
        ("hold", [event_key, left_ms, longest_ms, selling, lost, tickets @ ..]) => Some(HoldLookup::Found(HoldView {
            event: event_of(event_key)?,
            tickets: tickets.iter().map(|ticket| ticket.parse().ok()).collect::<Option<_>>()?,
            left: Duration::from_millis(left_ms.parse().ok()?),
            longest: Duration::from_millis(longest_ms.parse().ok()?),
            selling: selling == "1",
            lost: lost == "1",
        })),
        _ => None,
    }
}
