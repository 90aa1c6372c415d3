//! What strikes the platform while customers shop: each part in turn, in an order of chance.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use tokio::time::{Instant, sleep};

use super::{Plan, clock::Recorder, customer::Customers, platform::Platform};
use crate::history::FaultKind;

/// Trouble is no shorter than this.
const SHORTEST_TROUBLE: Duration = Duration::from_millis(100);
/// A killed replica stays away for so much of it.
const AWAY: f64 = 0.2;
/// Customers get so much of the longest trouble's time to buy between two strikes.
const PEACE: std::ops::Range<f64> = 0.1..0.5;
/// Customers act on what their bank asks within this.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// A part of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Booking(usize),
    EventManagement(usize),
    Search,
    Store(&'static str),
}

/// Those whose remains take the longest to settle come first.
const STRIKES: [(FaultKind, Part); 15] = [
    (FaultKind::Killed, Part::Booking(0)),
    (FaultKind::Killed, Part::Booking(1)),
    (FaultKind::Killed, Part::EventManagement(0)),
    (FaultKind::Killed, Part::EventManagement(1)),
    (FaultKind::Killed, Part::Store("postgres")),
    (FaultKind::Killed, Part::Store("redis")),
    (FaultKind::Stopped, Part::Booking(0)),
    (FaultKind::Stopped, Part::Booking(1)),
    (FaultKind::Stopped, Part::EventManagement(0)),
    (FaultKind::Stopped, Part::EventManagement(1)),
    (FaultKind::Stopped, Part::Store("postgres")),
    (FaultKind::Stopped, Part::Store("redis")),
    (FaultKind::Cut, Part::Store("postgres")),
    (FaultKind::Cut, Part::Store("redis")),
    (FaultKind::Flushed, Part::Store("redis")),
];

/// Buying and selling does not notice any of these.
const BYSTANDERS: [(FaultKind, Part); 8] = [
    (FaultKind::Killed, Part::Search),
    (FaultKind::Killed, Part::Store("kafka")),
    (FaultKind::Killed, Part::Store("connect")),
    (FaultKind::Killed, Part::Store("elasticsearch")),
    (FaultKind::Stopped, Part::Search),
    (FaultKind::Stopped, Part::Store("kafka")),
    (FaultKind::Stopped, Part::Store("connect")),
    (FaultKind::Stopped, Part::Store("elasticsearch")),
];

/// Strikes until every fault has struck often enough and enough purchases were tried.
pub(crate) async fn strike(
    plan: &Plan,
    platform: &Platform,
    recorder: &Recorder,
    customers: &Customers,
    deadline: Instant,
) -> Result<()> {
    let injector = Injector { platform, recorder, trouble: plan.trouble, deadline };
    let bystanders = injector.rounds_of(&BYSTANDERS, plan.bystander_rounds, plan.seed.wrapping_add(1));
    let payments = async {
        while !recorder.is_closed() {
            platform.decide_payments();
            sleep(BETWEEN_LOOKS).await;
        }
    };
    let strikes = async {
        let (needed, unneeded) = tokio::join!(injector.rounds_of(&STRIKES, plan.rounds, plan.seed), bystanders);
        needed.and(unneeded)?;
        while customers.tried() < plan.purchases {
            ensure!(Instant::now() < deadline, "only {} purchases were tried", customers.tried());
            sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    };
    tokio::select! {
        struck = strikes => struck,
        () = payments => Ok(()),
    }
}

struct Injector<'a> {
    platform: &'a Platform,
    recorder: &'a Recorder,
    trouble: Duration,
    deadline: Instant,
}

impl Injector<'_> {
    async fn rounds_of(&self, strikes: &[(FaultKind, Part)], rounds: u64, seed: u64) -> Result<()> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut strikes = strikes.to_vec();
        for round in 0..rounds {
            for (what, part) in &strikes {
                ensure!(Instant::now() < self.deadline, "only {round} rounds of faults");
                sleep(self.trouble.mul_f64(random.random_range(PEACE))).await;
                self.strike(*what, *part, &mut random).await.with_context(|| format!("{what:?} {part:?}"))?;
            }
            strikes.shuffle(&mut random);
            let (after, kinds) = (self.recorder.elapsed().as_secs(), strikes.len());
            eprintln!("{after:>4} s  round {} of {rounds}: {kinds} kinds of faults", round + 1);
        }
        Ok(())
    }

    async fn strike(&self, what: FaultKind, part: Part, random: &mut StdRng) -> Result<()> {
        let start_us = self.recorder.now_us();
        let trouble = random.random_range(SHORTEST_TROUBLE..self.trouble);
        match (what, part) {
            (FaultKind::Killed, Part::Store(store)) => self.platform.instance_of(store).kill_and_restart(store).await?,
            (FaultKind::Stopped, Part::Store(store)) => {
                self.platform.instance_of(store).stop_for(store, trouble).await?
            }
            (FaultKind::Flushed, _) => self.flush().await?,
            (FaultKind::Cut, Part::Store(store)) => {
                let proxy = if store == "redis" { &self.platform.redis_proxy } else { &self.platform.postgres_proxy };
                proxy.cut();
                sleep(trouble).await;
                proxy.mend();
            }
            (FaultKind::Killed, _) => self.process(part)?.kill_and_restart(trouble.mul_f64(AWAY)).await?,
            _ => self.process(part)?.stop_for(trouble).await?,
        }
        self.recorder.fault(what, &name(part), start_us);
        Ok(())
    }

    fn process(&self, part: Part) -> Result<&super::process::Process> {
        match part {
            Part::Booking(number) => self.platform.booking.get(number),
            Part::EventManagement(number) => self.platform.event_management.get(number),
            Part::Search => self.platform.search.as_ref(),
            Part::Store(_) => None,
        }
        .context("no such process")
    }

    async fn flush(&self) -> Result<()> {
        let addr = self.platform.instance_of("redis").setting("REDIS_ADDR")?;
        let mut redis = redis::Client::open(format!("redis://{addr}/"))?.get_multiplexed_async_connection().await?;
        Ok(redis::cmd("FLUSHALL").exec_async(&mut redis).await?)
    }
}

fn name(part: Part) -> String {
    match part {
        Part::Booking(number) => format!("booking-{}", number + 1),
        Part::EventManagement(number) => format!("event-management-{}", number + 1),
        Part::Search => "search".to_owned(),
        Part::Store(store) => store.to_owned(),
    }
}
