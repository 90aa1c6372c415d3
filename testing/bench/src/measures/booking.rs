//! Measures of reserve, confirm and refusals.

use std::cell::Cell;

use anyhow::{Context, Result};
use ids::TicketId;

use super::{Measure, Run, Setup, parts, step};
use crate::{
    load::{ClosedLoop, Latency, OpenLoop, latencies},
    requests::Buyer,
    wire::{Connection, Expected},
};

/// Number of users of a crowd. The same users ask again and again, which makes no difference to a refusal.
const CROWD_USERS: usize = 10_000;
/// Two open loops that are compared take this many turns each.
const TURNS: u32 = 8;

pub(crate) async fn measure(setup: &Setup<'_>, run: &mut Run) -> Result<()> {
    let reserved = reserve(setup, run).await?;
    confirm(setup, run, &reserved).await?;
    run.throughput.insert(Measure::SaleStatement, parts::sale_statement(setup).await?);
    refuse(setup, run).await
}

/// Buyers, whose requests are written one after the other.
struct Queue<'b> {
    buyers: &'b [Buyer],
    taken: Cell<usize>,
}

impl<'b> Queue<'b> {
    fn new(buyers: &'b [Buyer]) -> Self {
        Self { buyers, taken: Cell::default() }
    }

    fn write_next(&self, request: &mut Vec<u8>, write: fn(&Buyer, &mut Vec<u8>)) -> bool {
        let Some(buyer) = self.buyers.get(self.taken.get()) else { return false };
        self.taken.set(self.taken.get() + 1);
        write(buyer, request);
        true
    }

    fn taken(&self) -> &'b [Buyer] {
        &self.buyers[..self.taken.get()]
    }
}

/// Returns the buyers who hold a ticket: those of the closed loop, then those of the open loop.
async fn reserve(setup: &Setup<'_>, run: &mut Run) -> Result<[Vec<Buyer>; 2]> {
    step("reserve");
    let buyers: Vec<Buyer> = setup.shop.to_reserve.iter().map(|ticket| Buyer::new(*ticket)).collect();
    let (for_open, for_closed) = buyers.split_at(setup.plan.kept_for_open_loop());
    let (watched, booking) = (setup.watch(&setup.booking)?, setup.booking.addr);

    let queue = Queue::new(for_closed);
    let next = |request: &mut Vec<u8>| queue.write_next(request, Buyer::reserve);
    let throughput = setup.closed(booking).run(Expected::Status(200), &watched, next).await?;
    let possible = throughput.per_second;
    run.throughput.insert(Measure::Reserve, throughput);
    let reserved = queue.taken().to_vec();

    let queue = Queue::new(for_open);
    let next = |request: &mut Vec<u8>| queue.write_next(request, Buyer::reserve);
    let latency = setup.open_loop(booking, possible).run(Expected::Status(200), next).await?;
    run.latency.insert(Measure::Reserve, latency);
    Ok([reserved, queue.taken().to_vec()])
}

async fn confirm(setup: &Setup<'_>, run: &mut Run, reserved: &[Vec<Buyer>; 2]) -> Result<()> {
    step("confirm");
    let [for_closed, for_open] = reserved;
    let (watched, booking) = (setup.watch(&setup.booking)?, setup.booking.addr);
    let queue = Queue::new(for_closed);
    let next = |request: &mut Vec<u8>| queue.write_next(request, Buyer::confirm);
    let throughput = setup.closed(booking).run(Expected::Status(200), &watched, next).await?;
    let possible = throughput.per_second;
    run.throughput.insert(Measure::Confirm, throughput);

    let queue = Queue::new(for_open);
    let next = |request: &mut Vec<u8>| queue.write_next(request, Buyer::confirm);
    let latency = setup.open_loop(booking, possible).run(Expected::Status(200), next).await?;
    run.latency.insert(Measure::Confirm, latency);
    Ok(())
}

/// A crowd wants one ticket that is held or sold.
async fn refuse(setup: &Setup<'_>, run: &mut Run) -> Result<()> {
    let [held, sold, ..] = setup.shop.in_turn.as_slice() else { anyhow::bail!("no tickets to refuse") };
    take(setup, *held, &[Buyer::reserve]).await?;
    take(setup, *sold, &[Buyer::reserve, Buyer::confirm]).await?;
    let watched = setup.watch(&setup.booking)?;
    for (measure, ticket) in [(Measure::RefusalSold, *sold), (Measure::RefusalHeld, *held)] {
        step(if ticket == *sold { "refusals of a sold ticket" } else { "refusals of a held ticket" });
        let crowd = crowd(ticket);
        let closed = ClosedLoop { connections: setup.plan.crowd, ..setup.closed(setup.booking.addr) };
        let next = write_round(&crowd, Buyer::reserve);
        run.throughput.insert(measure, closed.run(Expected::Status(409), &watched, next).await?);
    }
    let possible = run.throughput.get(&Measure::RefusalHeld).context("refusals were measured")?.per_second;
    refuse_and_do_nothing(setup, possible, &crowd(*held), run).await
}

/// The latency of refusals is compared with that of the route that does nothing, at the same rate. The two take turns, so that
/// other load on the machine meets both.
async fn refuse_and_do_nothing(setup: &Setup<'_>, possible: f64, crowd: &[Buyer], run: &mut Run) -> Result<()> {
    let whole = setup.open_loop(setup.booking.addr, possible);
    let refusing = OpenLoop {
        connections: setup.plan.crowd,
        warm_up: whole.warm_up / TURNS,
        duration: whole.duration / TURNS,
        ..whole
    };
    let doing_nothing = OpenLoop { addr: setup.parts.addr, ..refusing };
    let (mut refusals, mut nothing) = (latencies()?, latencies()?);
    for _ in 0..TURNS {
        refusals += refusing.record(Expected::Status(409), write_round(crowd, Buyer::reserve)).await?;
        nothing += doing_nothing.record(Expected::Status(200), write_round(crowd, Buyer::nothing)).await?;
    }
    run.latency.insert(Measure::RefusalHeld, Latency::of(&refusals, whole.rate_per_second));
    run.nothing_at_refusal_rate = Some(Latency::of(&nothing, whole.rate_per_second));
    Ok(())
}

fn crowd(ticket: TicketId) -> Vec<Buyer> {
    (0..CROWD_USERS).map(|_| Buyer::new(ticket)).collect()
}

/// Writes the requests of the buyers in turn, without end.
fn write_round(buyers: &[Buyer], write: fn(&Buyer, &mut Vec<u8>)) -> impl FnMut(&mut Vec<u8>) -> bool {
    let mut round = buyers.iter().cycle();
    move |request| {
        round.next().is_some_and(|buyer| {
            write(buyer, request);
            true
        })
    }
}

/// A user takes the ticket by these requests.
async fn take(setup: &Setup<'_>, ticket: TicketId, requests: &[fn(&Buyer, &mut Vec<u8>)]) -> Result<()> {
    let buyer = Buyer::new(ticket);
    let mut connection = Connection::open(setup.booking.addr).await?;
    for write in requests {
        let mut request = Vec::new();
        write(&buyer, &mut request);
        connection.send(&request).await?;
        Expected::Status(200).read(&mut connection).await?;
    }
    Ok(())
}
