//! The events on sale. They open one after the other, so that customers always compete for few seats.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rand::{Rng, rngs::StdRng};
use reqwest::Client;
use serde_json::Value;
use testbed::{
    TestDatabase,
    given::{self, Event},
};

const SEATS_PER_EVENT: usize = 60;
/// Number of events on sale at a time.
const OPEN: usize = 8;
/// The next event opens when at most this many seats of the oldest one are left.
const NEARLY_SOLD_OUT: usize = 6;
/// Attempts to find a free seat before a customer takes any seat.
const LOOKS: usize = 6;

/// Events in the order in which they open.
pub(crate) struct Market {
    events: Vec<EventOnSale>,
    /// The oldest event that is on sale.
    first: AtomicUsize,
    /// Seats whose hold expires soon, and when. The next customer asks for them at that moment.
    expiring: Mutex<Vec<(Instant, Offer)>>,
}

pub(crate) struct EventOnSale {
    pub uuid: String,
    tickets: Vec<String>,
    sold: Vec<AtomicBool>,
    left: AtomicUsize,
}

impl EventOnSale {
    fn is_sold(&self, seat: usize) {
        if !self.sold[seat].swap(true, Ordering::Relaxed) {
            self.left.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Seats of one event that a customer wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    event: usize,
    seats: Vec<usize>,
}

impl Market {
    pub(crate) async fn open(database: &TestDatabase, seats: usize) -> Result<Self> {
        let venue = given::venue(&database.pool, "Freiburg").await;
        let mut events = vec![];
        for number in 0..seats.div_ceil(SEATS_PER_EVENT).max(OPEN) {
            let event: Event = given::event(&database.pool, &venue, &format!("Concert {number}"), 30).await;
            let count = i32::try_from(SEATS_PER_EVENT)?;
            let tickets: Vec<_> = given::tickets(&database.pool, &event, count).await;
            events.push(EventOnSale {
                uuid: event.uuid.to_string(),
                sold: tickets.iter().map(|_| AtomicBool::new(false)).collect(),
                left: AtomicUsize::new(tickets.len()),
                tickets: tickets.into_iter().map(|ticket| ticket.uuid.to_string()).collect(),
            });
        }
        Ok(Self { events, first: AtomicUsize::new(0), expiring: Mutex::default() })
    }

    /// Chooses seats of one event: seats of an expired hold first, then seats that seem to be free.
    pub(crate) fn choose(&self, count: usize, random: &mut StdRng) -> Offer {
        if count == 1
            && let Some(offer) = self.expired()
        {
            return offer;
        }
        let event = self.first.load(Ordering::Relaxed) + random.random_range(0..OPEN);
        let event = event.min(self.events.len() - 1);
        let mut seats = vec![];
        while seats.len() < count {
            let seat = self.any_seat(event, random);
            if !seats.contains(&seat) {
                seats.push(seat);
            }
        }
        Offer { event, seats }
    }

    fn any_seat(&self, event: usize, random: &mut StdRng) -> usize {
        let is_sold = |seat: &usize| self.events[event].sold[*seat].load(Ordering::Relaxed);
        let mut any = || random.random_range(0..SEATS_PER_EVENT);
        (0..LOOKS).map(|_| any()).find(|seat| !is_sold(seat)).unwrap_or_else(any)
    }

    fn expired(&self) -> Option<Offer> {
        let mut expiring = self.expiring.lock().expect("no panic");
        let ready = expiring.iter().position(|(ready, _)| *ready <= Instant::now())?;
        Some(expiring.swap_remove(ready).1)
    }

    /// Lets another customer ask for each of the seats after the pause, when their hold has expired.
    pub(crate) fn offer_after(&self, offer: &Offer, pause: Duration) {
        let each = offer.seats.iter().map(|seat| Offer { event: offer.event, seats: vec![*seat] });
        let ready = Instant::now() + pause;
        self.expiring.lock().expect("no panic").extend(each.map(|offer| (ready, offer)));
    }

    pub(crate) fn sold(&self, offer: &Offer) {
        let event = &self.events[offer.event];
        for seat in &offer.seats {
            event.is_sold(*seat);
        }
        self.open_the_next();
    }

    /// Notes the sold seats of a page. Not every buyer got an answer, so answers alone do not tell them.
    pub(crate) fn seen_as_sold(&self, event: &EventOnSale, tickets: &[String]) {
        for seat in (0..event.tickets.len()).filter(|seat| tickets.contains(&event.tickets[*seat])) {
            event.is_sold(seat);
        }
        self.open_the_next();
    }

    fn open_the_next(&self) {
        let first = self.first.load(Ordering::Relaxed);
        if self.events[first].left.load(Ordering::Relaxed) <= NEARLY_SOLD_OUT && first + OPEN < self.events.len() {
            let _ = self.first.compare_exchange(first, first + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Notes that the seats are for sale again.
    pub(crate) fn given_back(&self, offer: &Offer) {
        let event = &self.events[offer.event];
        for seat in &offer.seats {
            if event.sold[*seat].swap(false, Ordering::Relaxed) {
                event.left.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn tickets(&self, offer: &Offer) -> Vec<String> {
        offer.seats.iter().map(|seat| self.events[offer.event].tickets[*seat].clone()).collect()
    }

    pub(crate) fn event(&self, offer: &Offer) -> &EventOnSale {
        &self.events[offer.event]
    }

    /// A random event among those on sale and the one that sold out last.
    pub(crate) fn any_open_event(&self, random: &mut StdRng) -> &EventOnSale {
        let first = self.first.load(Ordering::Relaxed);
        let event = random.random_range(first.saturating_sub(1)..first + OPEN);
        &self.events[event.min(self.events.len() - 1)]
    }

    /// Counts the seats that the pages show as reserved, over all events that were on sale.
    pub(crate) async fn shown_as_reserved(&self, base: &str) -> Result<usize> {
        let client = Client::new();
        let mut reserved = 0;
        for event in &self.events[..(self.first.load(Ordering::Relaxed) + OPEN).min(self.events.len())] {
            let url = format!("{base}/api/v1/management/events/{}", event.uuid);
            let page: Value = client.get(url).send().await?.error_for_status()?.json().await?;
            let tickets = page["tickets"].as_array().context("an event with tickets")?;
            reserved += tickets.iter().filter(|ticket| ticket["status"] == "reserved").count();
        }
        Ok(reserved)
    }
}
