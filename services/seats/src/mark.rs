//! The marks of an event's seats, as event management reads them.

use std::collections::{HashMap, HashSet};

use redis::{AsyncCommands, RedisResult, aio::ConnectionLike};

use crate::keys::event_key;

/// The mark of a ticket that is sold. Other marks begin with `h` (held) or `s` (being sold).
const BOOKED: &str = "b";

/// Tickets of the event with a live hold, or with a sale that is being decided, at this moment by Redis' clock. One call,
/// whatever the event's size: holds that ran out have left the hash by themselves.
///
/// A page must read this *before* it reads the booked tickets from PostgreSQL. In the other order a sale that commits
/// between the two reads has left this set and is not yet among the booked ones: a sold seat would be shown as available.
///
/// # Errors
/// When Redis does not answer.
pub async fn held(redis: &mut (impl ConnectionLike + Send + Sync), event_uuid: &str) -> RedisResult<HashSet<String>> {
    let marks: HashMap<String, String> = redis.hgetall(event_key(event_uuid)).await?;
    let held = marks.into_iter().filter(|(_, mark)| mark != BOOKED);
    Ok(held.map(|(ticket_uuid, _)| ticket_uuid).collect())
}
