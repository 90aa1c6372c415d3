//! The marks of an event's seats, as event management reads them.

use std::collections::HashSet;

use redis::{AsyncCommands, ErrorKind, RedisError, RedisResult, Value, aio::ConnectionLike};
use uuid::Uuid;

use crate::keys::event_key;

/// The mark of a ticket that is sold. Other marks begin with `h` (held) or `s` (being sold).
const BOOKED: &[u8] = b"b";

/// Tickets of the event with a live hold, or with a sale that is being decided, at this moment by Redis' clock. One call,
/// whatever the event's size: holds that ran out have left the hash by themselves.
///
/// A page must read this *before* it reads the booked tickets from PostgreSQL. In the other order a sale that commits
/// between the two reads has left this set and is not yet among the booked ones: a sold seat would be shown as available.
///
/// # Errors
/// When Redis does not answer.
pub async fn held(redis: &mut (impl ConnectionLike + Send + Sync), event_uuid: &str) -> RedisResult<HashSet<String>> {
    Ok(held_tickets(redis, event_uuid).await?.iter().map(Uuid::to_string).collect())
}

/// The same as numbers, in no order: for a reader with thousands of marks, to whom a text for each is too much.
///
/// # Errors
/// When Redis does not answer.
pub async fn held_tickets(redis: &mut (impl ConnectionLike + Send + Sync), event_uuid: &str) -> RedisResult<Vec<Uuid>> {
    // The answer as it came: tickets and marks in turn, or in pairs under the newer protocol.
    match redis.hgetall(event_key(event_uuid)).await? {
        Value::Array(marks) => Ok(marks.chunks_exact(2).filter_map(|pair| held_ticket(&pair[0], &pair[1])).collect()),
        Value::Map(marks) => Ok(marks.iter().filter_map(|(ticket, mark)| held_ticket(ticket, mark)).collect()),
        _ => Err(RedisError::from((ErrorKind::UnexpectedReturnType, "the marks of an event are no hash"))),
    }
}

/// A field that is no ticket was not written by our scripts, and no page can show it.
fn held_ticket(ticket: &Value, mark: &Value) -> Option<Uuid> {
    match (ticket, mark) {
        (Value::BulkString(ticket), Value::BulkString(mark)) if mark != BOOKED => Uuid::try_parse_ascii(ticket).ok(),
        _ => None,
    }
}
