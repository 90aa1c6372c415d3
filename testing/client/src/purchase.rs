//! The main use of the platform: a customer finds an event, opens its page, reserves a seat, pays, and sees it booked.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use backon::{ConstantBuilder, Retryable};

use crate::{Customer, is_success};

/// A new event is found after the snapshot, Kafka and Elasticsearch's refresh, so search is asked this often.
const MOST_SEARCHES: usize = 120;
const BETWEEN_SEARCHES: Duration = Duration::from_millis(500);

/// A ticket that was bought.
#[derive(Debug)]
pub struct Purchase {
    /// Name of the event.
    pub event: String,
    /// Public identifier of the event.
    pub event_uuid: String,
    /// The location of its venue.
    pub location: String,
    /// Name of the seat.
    pub seat: String,
    /// Public identifier of the ticket.
    pub ticket_uuid: String,
    /// Price in minor units.
    pub price: i64,
}

/// Buys the first available seat of the first event that `q` finds. The event's page is checked after each step.
///
/// # Errors
/// At the first step whose answer or page is not the expected one.
pub async fn buy(customer: &Customer, q: &str) -> Result<Purchase> {
    let find = async || {
        let page = customer.search(q).await?;
        page.events.into_iter().next().with_context(|| format!("search finds nothing for {q:?}"))
    };
    let pauses = ConstantBuilder::default().with_delay(BETWEEN_SEARCHES).with_max_times(MOST_SEARCHES);
    let event = find.retry(pauses).await?;

    let page = customer.open(&event.uuid).await?;
    ensure!(page.name == event.name, "search says {:?}, the page {:?}", event.name, page.name);
    let ticket = page.tickets.iter().find(|ticket| ticket.status == "available").context("no seat is available")?;

    let reserved = customer.reserve(&ticket.uuid).await?;
    ensure!(is_success(reserved), "reserving seat {} answered {reserved}", ticket.seat);
    expect_status(customer, &event.uuid, &ticket.uuid, "reserved").await?;
    let other = customer.another().reserve(&ticket.uuid).await?;
    ensure!(other == 409, "a second customer reserving seat {} was answered {other}", ticket.seat);

    let confirmed = customer.confirm(&ticket.uuid).await?;
    ensure!(is_success(confirmed), "confirming seat {} answered {confirmed}", ticket.seat);
    expect_status(customer, &event.uuid, &ticket.uuid, "booked").await?;
    Ok(Purchase {
        event: event.name,
        event_uuid: event.uuid,
        location: event.location,
        seat: ticket.seat.clone(),
        ticket_uuid: ticket.uuid.clone(),
        price: ticket.price,
    })
}

async fn expect_status(customer: &Customer, event_uuid: &str, ticket_uuid: &str, expected: &str) -> Result<()> {
    let page = customer.open(event_uuid).await?;
    let shown = page.status_of(ticket_uuid);
    ensure!(shown == Some(expected), "the page shows the seat as {shown:?} instead of {expected}");
    Ok(())
}
