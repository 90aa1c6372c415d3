//! The Redis that the environment names.

use std::collections::HashSet;

use ids::{EventId, TicketId};
use redis::aio::MultiplexedConnection;
use testbed::{Stores, eventually};

pub(crate) async fn connect() -> MultiplexedConnection {
    let client = redis::Client::open(format!("redis://{}", Stores::from_environment().redis_addr)).expect("an address");
    client.get_multiplexed_async_connection().await.expect("Redis answers")
}

/// Redis' own clock, which decides every expiry, in milliseconds.
pub(crate) async fn now_ms(redis: &mut MultiplexedConnection) -> u64 {
    let (seconds, microseconds): (u64, u64) =
        redis::cmd("TIME").query_async(redis).await.expect("Redis tells the time");
    seconds * 1000 + microseconds / 1000
}

pub(crate) async fn wait_until(redis: &mut MultiplexedConnection, ms: u64) {
    eventually("Redis' clock has come that far", async || now_ms(redis).await > ms).await;
}

/// An event of this test's own, so that tests do not disturb each other.
pub(crate) fn new_event() -> EventId {
    EventId::random()
}

/// The tickets that a page shows as reserved.
pub(crate) async fn held(redis: &mut MultiplexedConnection, event: EventId) -> HashSet<TicketId> {
    seats::held_tickets(redis, event).await.expect("Redis").into_iter().collect()
}
