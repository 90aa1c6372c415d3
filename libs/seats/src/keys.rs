//! Names of keys, and how long what has no end of its own is kept.

use std::time::Duration;

/// The list of sales that have not ended.
pub(crate) const SALES_KEY: &str = "tickets_selling";

/// Marks outlive the last hold by this: long enough for any outage that a sale may have to wait out, short enough that
/// events of the past leave Redis. A mark that goes too early costs a read of PostgreSQL.
const KEPT_AFTER_LAST_HOLD: Duration = Duration::from_hours(24);

const EVENT_KEY_PREFIX: &str = "event_seats:";

/// Key of the hash with the marks of an event's seats.
pub(crate) fn event_key(event_uuid: &str) -> String {
    format!("{EVENT_KEY_PREFIX}{event_uuid}")
}

/// The event that a key of [`event_key`] belongs to.
pub(crate) fn event_of(key: &str) -> Option<&str> {
    key.strip_prefix(EVENT_KEY_PREFIX)
}

/// For how long marks are kept after a write, in milliseconds.
pub(crate) fn kept_ms(hold: Duration) -> u64 {
    milliseconds(hold + KEPT_AFTER_LAST_HOLD)
}

/// Whole milliseconds, as Redis wants them; a length without bounds becomes the longest that can be written.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
