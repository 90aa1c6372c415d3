//! Reserve, confirm, and refusals.

use std::cell::Cell;

use anyhow::{Context, Result};
use uuid::Uuid;

use super::{Measure, Run, Setting, parts, step};
use crate::{
    load::{ClosedLoop, Latency, OpenLoop, latencies},
    requests::Wish,
    wire::{Connection, Expected},
};

/// Users of a crowd; they come again and again, which makes no difference to a refusal.
const CROWD_USERS: usize = 10_000;
/// Turns of each of two open loops that are compared.
const TURNS: u32 = 8;

pub(crate) async fn measure(setting: &Setting<'_>, run: &mut Run) -> Result<()> {
    let reserved = reserve(setting, run).await?;
    confirm(setting, run, &reserved).await?;
    run.throughput.insert(Measure::SaleStatement, parts::sale_statement(setting).await?);
    refuse(setting, run).await
}

/// Wishes that are fulfilled one after the other.
struct Queue<'w> {
    wishes: &'w [Wish],
    taken: Cell<usize>,
}

impl<'w> Queue<'w> {
    fn new(wishes: &'w [Wish]) -> Self {
        Self { wishes, taken: Cell::default() }
    }

    fn write_next(&self, request: &mut Vec<u8>, write: fn(&Wish, &mut Vec<u8>)) -> bool {
        let Some(wish) = self.wishes.get(self.taken.get()) else { return false };
        self.taken.set(self.taken.get() + 1);
        write(wish, request);
        true
    }

    fn taken(&self) -> &'w [Wish] {
        &self.wishes[..self.taken.get()]
    }
}

/// Returns what was reserved: first by the closed loop, then by the open one.
async fn reserve(setting: &Setting<'_>, run: &mut Run) -> Result<[Vec<Wish>; 2]> {
    step("reserve");
    let wishes: Vec<Wish> = setting.shop.to_reserve.iter().map(|ticket| Wish::of_somebody(*ticket)).collect();
    let (for_open, for_closed) = wishes.split_at(setting.plan.kept_for_open_loop());
    let (watched, booking) = (setting.watch(&setting.booking), setting.booking.addr);

    let queue = Queue::new(for_closed);
    let next = |request: &mut Vec<u8>| queue.write_next(request, Wish::reserve);
    let throughput = setting.closed(booking).run(Expected::Status(200), &watched, next).await?;
    let possible = throughput.per_second;
    run.throughput.insert(Measure::Reserve, throughput);
    let reserved = queue.taken().to_vec();

    let queue = Queue::new(for_open);
    let next = |request: &mut Vec<u8>| queue.write_next(request, Wish::reserve);
    let latency = setting.open_loop(booking, possible).run(Expected::Status(200), next).await?;
    run.latency.insert(Measure::Reserve, latency);
    Ok([reserved, queue.taken().to_vec()])
}

async fn confirm(setting: &Setting<'_>, run: &mut Run, reserved: &[Vec<Wish>; 2]) -> Result<()> {
    step("confirm");
    let [for_closed, for_open] = reserved;
    let (watched, booking) = (setting.watch(&setting.booking), setting.booking.addr);
    let queue = Queue::new(for_closed);
    let next = |request: &mut Vec<u8>| queue.write_next(request, Wish::confirm);
    let throughput = setting.closed(booking).run(Expected::Status(200), &watched, next).await?;
    let possible = throughput.per_second;
    run.throughput.insert(Measure::Confirm, throughput);

    let queue = Queue::new(for_open);
    let next = |request: &mut Vec<u8>| queue.write_next(request, Wish::confirm);
    let latency = setting.open_loop(booking, possible).run(Expected::Status(200), next).await?;
    run.latency.insert(Measure::Confirm, latency);
    Ok(())
}

/// A crowd wants one ticket that cannot be had.
async fn refuse(setting: &Setting<'_>, run: &mut Run) -> Result<()> {
    let [held, sold, ..] = setting.shop.in_turn.as_slice() else { anyhow::bail!("no tickets to refuse") };
    take(setting, *held, false).await?;
    take(setting, *sold, true).await?;
    let watched = setting.watch(&setting.booking);
    for (measure, ticket) in [(Measure::RefusalSold, *sold), (Measure::RefusalHeld, *held)] {
        step(if ticket == *sold { "refusals of a sold ticket" } else { "refusals of a held ticket" });
        let crowd = crowd(ticket);
        let closed = ClosedLoop { connections: setting.plan.crowd, ..setting.closed(setting.booking.addr) };
        let next = write_round(&crowd, Wish::reserve);
        run.throughput.insert(measure, closed.run(Expected::Status(409), &watched, next).await?);
    }
    let possible = run.throughput.get(&Measure::RefusalHeld).context("refusals were measured")?.per_second;
    refuse_and_do_nothing(setting, possible, &crowd(*held), run).await
}

/// The refusals' latency is compared with that of doing nothing at the same rate. The two take turns, so that whatever else
/// the machine does in the meantime meets both.
async fn refuse_and_do_nothing(setting: &Setting<'_>, possible: f64, crowd: &[Wish], run: &mut Run) -> Result<()> {
    let whole = setting.open_loop(setting.booking.addr, possible);
    let refusing = OpenLoop {
        connections: setting.plan.crowd,
        warm_up: whole.warm_up / TURNS,
        duration: whole.duration / TURNS,
        ..whole
    };
    let doing_nothing = OpenLoop { addr: setting.parts.addr, ..refusing };
    let (mut refusals, mut nothing) = (latencies()?, latencies()?);
    for _ in 0..TURNS {
        refusals += refusing.record(Expected::Status(409), write_round(crowd, Wish::reserve)).await?;
        nothing += doing_nothing.record(Expected::Status(200), write_round(crowd, Wish::nothing)).await?;
    }
    run.latency.insert(Measure::RefusalHeld, Latency::of(&refusals, whole.rate_per_second));
    run.nothing_at_refusal_rate = Some(Latency::of(&nothing, whole.rate_per_second));
    Ok(())
}

fn crowd(ticket: Uuid) -> Vec<Wish> {
    (0..CROWD_USERS).map(|_| Wish::of_somebody(ticket)).collect()
}

/// Writes one wish after the other, without end.
fn write_round(wishes: &[Wish], write: fn(&Wish, &mut Vec<u8>)) -> impl FnMut(&mut Vec<u8>) -> bool {
    let mut round = wishes.iter().cycle();
    move |request| {
        round.next().is_some_and(|wish| {
            write(wish, request);
            true
        })
    }
}

/// Somebody takes the ticket: holds it, or buys it.
async fn take(setting: &Setting<'_>, ticket: Uuid, buy: bool) -> Result<()> {
    let wish = Wish::of_somebody(ticket);
    let mut connection = Connection::open(setting.booking.addr).await?;
    let steps: &[fn(&Wish, &mut Vec<u8>)] = if buy { &[Wish::reserve, Wish::confirm] } else { &[Wish::reserve] };
    for write in steps {
        let mut request = Vec::new();
        write(&wish, &mut request);
        connection.send(&request).await?;
        Expected::Status(200).read(&mut connection).await?;
    }
    Ok(())
}
