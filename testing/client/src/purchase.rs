//! The main use of the platform: a customer finds an event, opens its page, reserves a seat, pays, and sees it booked.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use backon::{ConstantBuilder, Retryable};
use ids::{EventId, TicketId};

use crate::{Customer, is_success};

/// A new event is found after the snapshot, Kafka and Elasticsearch's refresh, so search is asked this often.
const MOST_SEARCHES: usize = 120;
const BETWEEN_SEARCHES: Duration = Duration::from_millis(500);

/// A ticket that was bought.
#[derive(Debug)]
pub struct Purchase {
    /// The name of the event.
    pub event: String,
    pub event_uuid: EventId,
    /// The location of its venue.
    pub location: String,
    pub seat: String,
    pub ticket_uuid: TicketId,
    /// The price in minor units.
    pub price: i64,
}

/// Buys the first available seat of the first event that `q` finds. The event's page is checked after each step.
/// The first unexpected answer or page is an error.
pub async fn buy(customer: &Customer, q: &str) -> Result<Purchase> {
    let find = async || {
        let page = customer.search(q).await?;
        page.events.into_iter().next().with_context(|| format!("search finds nothing for {q:?}"))
    };
    let pauses = ConstantBuilder::default().with_delay(BETWEEN_SEARCHES).with_max_times(MOST_SEARCHES);
    let event = find.retry(pauses).await?;

    let page = customer.open(event.uuid).await?;
    ensure!(page.name == event.name, "search says {:?}, the page {:?}", event.name, page.name);
    let ticket = page.tickets.iter().find(|ticket| ticket.status == "available").context("no seat is available")?;

    let reserved = customer.reserve(ticket.uuid).await?;
    ensure!(is_success(reserved), "reserving seat {} answered {reserved}", ticket.seat);
    expect_status(customer, event.uuid, ticket.uuid, "reserved").await?;
    let other = customer.another().reserve(ticket.uuid).await?;
    ensure!(other == 409, "a second customer reserving seat {} was answered {other}", ticket.seat);

    let confirmed = customer.confirm(ticket.uuid).await?;
    ensure!(is_success(confirmed), "confirming seat {} answered {confirmed}", ticket.seat);
    expect_status(customer, event.uuid, ticket.uuid, "booked").await?;
    Ok(Purchase {
        event: event.name,
        event_uuid: event.uuid,
        location: event.location,
        seat: ticket.seat.clone(),
        ticket_uuid: ticket.uuid,
        price: ticket.price,
    })
}

async fn expect_status(customer: &Customer, event: EventId, ticket: TicketId, expected: &str) -> Result<()> {
    let page = customer.open(event).await?;
    let shown = page.status_of(ticket);
    ensure!(shown == Some(expected), "the page shows the seat as {shown:?} instead of {expected}");
    Ok(())
}
