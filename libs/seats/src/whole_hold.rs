//! A hold as a whole: looked at, extended, given back. Only its owner finds it.

use std::time::Duration;

use redis::{RedisResult, ScriptInvocation, aio::ConnectionLike};
use uuid::Uuid;

use crate::{
    hold::HoldLimits,
    keys::{event_of, kept_ms, milliseconds},
    script::{EXTEND_HOLD, RELEASE_HOLD, SHOW_HOLD, unexpected},
};

/// A hold and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeHold {
    /// The event of its tickets.
    pub event_uuid: String,
    /// The tickets that are still in it.
    pub tickets: Vec<Uuid>,
    /// What is left until the first of them goes.
    pub left: Duration,
    /// What could be left at the most, were it extended again and again.
    pub longest: Duration,
    /// Whether it is being sold: then no expiry ends it.
    pub selling: bool,
    /// Whether a ticket that was in it is not the user's any more.
    pub lost: bool,
}

/// What became of a call about a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfHold {
    /// Done, or seen; the hold as it is afterwards, or was when it was given back.
    Hold(WholeHold),
    /// The user has no such hold, or no longer.
    Gone,
    /// Nothing was changed: it is being sold.
    Selling,
    /// Nothing was changed: it cannot get longer.
    Limit,
}

/// Looks at a hold.
///
/// # Errors
/// When Redis does not answer.
pub async fn show_hold(redis: &mut impl ConnectionLike, hold: Uuid, user: Uuid) -> RedisResult<OfHold> {
    ask(redis, SHOW_HOLD.arg(hold.to_string()).arg(user.to_string())).await
}

/// Begins the length of a hold anew, up to its lifetime.
///
/// # Errors
/// When Redis does not answer; then it may be longer.
pub async fn extend_hold(
    redis: &mut impl ConnectionLike,
    hold: Uuid,
    user: Uuid,
    limits: &HoldLimits,
) -> RedisResult<OfHold> {
    let mut call = EXTEND_HOLD.arg(hold.to_string());
    ask(redis, call.arg(user.to_string()).arg(milliseconds(limits.length)).arg(kept_ms(limits.lifetime))).await
}

/// Gives all tickets of a hold back.
///
/// # Errors
/// When Redis does not answer; then they may be free.
pub async fn release_hold(redis: &mut impl ConnectionLike, hold: Uuid, user: Uuid) -> RedisResult<OfHold> {
    ask(redis, RELEASE_HOLD.arg(hold.to_string()).arg(user.to_string())).await
}

async fn ask(redis: &mut impl ConnectionLike, call: &mut ScriptInvocation<'_>) -> RedisResult<OfHold> {
    let answer: Vec<String> = call.invoke_async(redis).await?;
    read(&answer).ok_or_else(|| unexpected(&answer))
}

fn read(answer: &[String]) -> Option<OfHold> {
    let (verdict, details) = answer.split_first()?;
    match (verdict.as_str(), details) {
        ("gone", []) => Some(OfHold::Gone),
        ("selling", []) => Some(OfHold::Selling),
        ("limit", []) => Some(OfHold::Limit),
        ("hold", [event_key, left_ms, longest_ms, selling, lost, tickets @ ..]) => Some(OfHold::Hold(WholeHold {
            event_uuid: event_of(event_key)?.to_owned(),
            tickets: tickets.iter().map(|ticket| ticket.parse().ok()).collect::<Option<_>>()?,
            left: Duration::from_millis(left_ms.parse().ok()?),
            longest: Duration::from_millis(longest_ms.parse().ok()?),
            selling: selling == "1",
            lost: lost == "1",
        })),
        _ => None,
    }
}
