//! The marks of an event's seats, as event management reads them.

use ids::{EventId, TicketId};
use redis::{AsyncCommands, ErrorKind, RedisError, RedisResult, Value, aio::ConnectionLike};

use crate::keys::event_key;

/// The mark of a ticket that is booked. Other marks begin with `h` (held) or `s` (selling).
const BOOKED: &[u8] = b"b";

/// The tickets of the event that have a live hold, or a sale that is not decided yet, at this moment by Redis' clock.
/// They come in no order, by one call whatever the event's size: holds that ran out have left the hash by themselves.
///
/// A page must read this *before* it reads the booked tickets from PostgreSQL. In the other order, a sale that commits
/// between the two reads is in neither answer, and a sold seat is shown as available.
///
/// # Errors
/// When Redis does not answer.
pub async fn held_tickets(
    redis: &mut (impl ConnectionLike + Send + Sync),
    event: EventId,
) -> RedisResult<Vec<TicketId>> {
    // The raw answer, so that thousands of marks cost no text each: fields and values in turn, or in pairs under RESP3.
    match redis.hgetall(event_key(event)).await? {
        Value::Array(marks) => Ok(marks.chunks_exact(2).filter_map(|pair| held_ticket(&pair[0], &pair[1])).collect()),
        Value::Map(marks) => Ok(marks.iter().filter_map(|(ticket, mark)| held_ticket(ticket, mark)).collect()),
        _ => Err(RedisError::from((ErrorKind::UnexpectedReturnType, "the marks of an event are no hash"))),
    }
}

/// The ticket of a mark that is not `booked`. A field that is no ticket was not written by our scripts and is skipped.
fn held_ticket(ticket: &Value, mark: &Value) -> Option<TicketId> {
    match (ticket, mark) {
        (Value::BulkString(ticket), Value::BulkString(mark)) if mark != BOOKED => TicketId::from_ascii(ticket),
        _ => None,
    }
}
