//! Customers race for one seat, many times over, while some holds run out.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use booking::Settings;
use futures::{StreamExt, future::join_all, stream};
use rand::Rng;
use seats::HoldLimits;
use testbed::{eventually, given::Ticket};

use crate::{
    customer::{Customer, insist},
    service::{Service, replica},
};

const CUSTOMERS: usize = 50;
const SEATS: usize = 100;
/// Rounds at a time, so that one can go on while a hold of the other runs out.
const SIDE_BY_SIDE: usize = 3;
/// Long enough that a machine with much else to do can confirm in time.
const HOLD: Duration = Duration::from_secs(1);
/// How long a refused customer waits before they ask again.
const PATIENCE_MS: std::ops::Range<u64> = 100..500;

/// What one round showed.
#[derive(Default)]
struct Round {
    /// Customers whose confirmation was answered with 200.
    buyers: Vec<String>,
    /// Holds that ran out before they were confirmed.
    ran_out: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_customers_race_for_each_of_a_hundred_seats_and_each_is_sold_once() {
    let service = Service::start_with_hold(HOLD).await;
    let second = replica(Settings { limits: HoldLimits::of_length(HOLD), ..service.stores.settings() }).await;
    let (event, tickets) = service.given_event_with_seats(i32::try_from(SEATS).expect("a small number")).await;

    let bases = [service.replica.url.clone(), second.url.clone()];
    let rounds: Vec<(Ticket, Round)> = stream::iter(tickets)
        .map(|ticket| race(&service, &bases, ticket))
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await;

    let mut ran_out = 0;
    for (ticket, round) in &rounds {
        assert_eq!(round.buyers.len(), 1, "seat {} was sold to {:?}", ticket.seat, round.buyers);
        assert_eq!(service.stores.buyers(ticket).await, round.buyers, "PostgreSQL knows another buyer");
        assert_eq!(service.stores.status(ticket).await, "booked");
        ran_out += round.ran_out;
    }
    assert_eq!(rounds.len(), SEATS);
    assert!(ran_out >= SEATS / 4, "only {ran_out} holds ran out: the race is too tame");
    eventually("nothing is held any more", async || service.shown_as_reserved(&event).await.is_empty()).await;
    second.stop().await;
}

/// When a customer who holds a seat confirms it.
#[derive(Clone, Copy)]
enum Confirms {
    TooLate,
    /// Near the end of the hold: either side may win.
    AtTheEnd,
}

/// A seat that all customers want.
struct Seat {
    ticket: Ticket,
    /// When the first customers who hold it confirm. All later ones confirm at once.
    first_holders: Mutex<Vec<Confirms>>,
    /// A customer has bought it. The others give up once they are refused again.
    sold: AtomicBool,
}

async fn race(service: &Service, bases: &[String; 2], ticket: Ticket) -> (Ticket, Round) {
    let first_holders = match ticket.id % 4 {
        0 => vec![Confirms::TooLate],
        1 => vec![Confirms::AtTheEnd],
        _ => vec![],
    };
    let seat = Seat { ticket, first_holders: Mutex::new(first_holders), sold: AtomicBool::new(false) };
    let customers = (0..CUSTOMERS).map(|number| service.customer().at(&bases[number % bases.len()]));
    let mut round = Round::default();
    for (customer, bought, ran_out) in join_all(customers.map(|customer| buy(customer, &seat))).await {
        round.ran_out += ran_out;
        if bought {
            round.buyers.push(customer);
        }
    }
    (seat.ticket, round)
}

/// Tries until somebody has bought the seat. Returns the customer, whether they bought it, and how many of their holds
/// ran out.
async fn buy(customer: Customer, seat: &Seat) -> (String, bool, usize) {
    let (mut ran_out, mut refused) = (0, 0);
    loop {
        let was_sold = seat.sold.load(Ordering::SeqCst);
        let reserved = insist(|| customer.reserve(&seat.ticket)).await;
        if reserved.status == 200 {
            assert!(!was_sold, "a sold seat was reserved");
            think(seat).await;
            let confirmed = insist(|| customer.confirm(&seat.ticket)).await;
            if confirmed.status == 200 {
                seat.sold.store(true, Ordering::SeqCst);
                return (customer.uuid, true, ran_out);
            }
            confirmed.is_not_reserved();
            ran_out += 1;
            continue;
        }
        reserved.is_not_available();
        if refused == 0 || was_sold {
            // A customer who lost the race cannot confirm either.
            insist(|| customer.confirm(&seat.ticket)).await.is_not_reserved();
        }
        if was_sold {
            return (customer.uuid, false, ran_out);
        }
        refused += 1;
        let pause = rand::rng().random_range(PATIENCE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

async fn think(seat: &Seat) {
    let confirms = seat.first_holders.lock().expect("no panic").pop();
    let share_of_the_hold = match confirms {
        Some(Confirms::TooLate) => 1.02,
        Some(Confirms::AtTheEnd) => rand::rng().random_range(0.95..1.02),
        None => rand::rng().random_range(0.0..0.05),
    };
    tokio::time::sleep(HOLD.mul_f64(share_of_the_hold)).await;
}
