//! Names of keys, and how long a key without an end of its own is kept.

use std::time::Duration;

use ids::EventId;

/// The list of sales that have not ended.
pub(crate) const SALES_KEY: &str = "tickets_selling";

/// Marks outlive the last hold by this time. It is long enough for any outage that a sale may have to wait out, and
/// short enough that past events leave Redis. A mark that goes too early costs a read of PostgreSQL.
const KEPT_AFTER_LAST_HOLD: Duration = Duration::from_hours(24);

const EVENT_KEY_PREFIX: &str = "event_seats:";

/// The key of the hash with the marks of an event's seats.
pub(crate) fn event_key(event: EventId) -> String {
    format!("{EVENT_KEY_PREFIX}{event}")
}

/// The event that a key of [`event_key`] belongs to.
pub(crate) fn event_of(key: &str) -> Option<EventId> {
    key.strip_prefix(EVENT_KEY_PREFIX)?.parse().ok()
}

/// How long marks are kept after a write, in milliseconds.
pub(crate) fn kept_ms(hold: Duration) -> u64 {
    milliseconds(hold + KEPT_AFTER_LAST_HOLD)
}

/// Whole milliseconds, as Redis takes them. A duration beyond what can be written becomes the longest one.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
