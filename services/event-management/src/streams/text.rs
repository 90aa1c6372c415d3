//! The text of server-sent events (HTML standard, section 9.2).

use std::fmt::Write;

use axum::body::Bytes;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{page::SeatState, tickets::TicketStatus};

/// Shows proxies and clients that the stream is alive.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// The event was deleted. The message needs data: browsers do not pass on one without.
pub(crate) const END: Bytes = Bytes::from_static(b"event: end\ndata: {}\n\n");

/// The length of a ticket in JSON: its uuid, its status, and the names of both.
const TICKET_BYTES: usize = 72;

/// The data of a message: all seats, or those whose status changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeatChanges {
    tickets: Vec<SeatChange>,
}

/// The current status of a ticket.
#[derive(Serialize, ToSchema)]
struct SeatChange {
    uuid: Uuid,
    status: TicketStatus,
}

/// Tells the client when to reconnect. The time is random: when a replica ends, its listeners must not all come to the
/// others at once.
pub(crate) fn retry() -> Bytes {
    let spread_ms = Uuid::new_v4().as_u128() % 2000;
    format!("retry: {}\n\n", 1000 + spread_ms).into()
}

/// The message with all seats.
pub(crate) fn snapshot(state: &SeatState) -> Bytes {
    written("snapshot", state, 0..state.statuses.len())
}

/// The message with the seats whose status changed.
pub(crate) fn changes(before: &[TicketStatus], state: &SeatState) -> Bytes {
    let changed = before.iter().zip(&*state.statuses).enumerate().filter(|(_, (before, now))| before != now);
    written("seats", state, changed.map(|(place, _)| place))
}

fn written(name: &str, state: &SeatState, places: impl Iterator<Item = usize>) -> Bytes {
    let mut text = String::with_capacity(places.size_hint().0 * TICKET_BYTES + TICKET_BYTES);
    // Writing to a string cannot fail.
    let _ = write!(text, "event: {name}\nid: {}\ndata: {{\"tickets\":[", state.id);
    for (number, place) in places.enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let (uuid, status) = (state.tickets.uuid(place), state.statuses[place].as_str());
        let _ = write!(text, "{comma}{{\"uuid\":\"{uuid}\",\"status\":\"{status}\"}}");
    }
    text.push_str("]}\n\n");
    text.into()
}
