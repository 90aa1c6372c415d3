//! Fault injection: while customers shop, each part of the platform is disturbed in turn, in random order.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use testbed::{Process, Proxy, Store, within};
use tokio::time::{Instant, sleep};

use super::{Plan, clock::Recorder, customer::Customers, platform::Platform};
use crate::history::FaultKind;

/// The shortest time for which a fault lasts.
const SHORTEST_FAULT: Duration = Duration::from_millis(100);
/// A killed replica stays away for this share of a fault's time.
const KILLED_SHARE: f64 = 0.2;
/// A replica that was restarted answers within this time.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// The pause between two faults, as a share of the longest fault's time. Customers buy undisturbed meanwhile.
const QUIET_PERIOD: std::ops::Range<f64> = 0.1..0.5;
/// Customers answer their bank within this time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// A part of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Booking(usize),
    EventManagement(usize),
    Search,
    Store(Store),
}

/// Faults of which customers notice something. Those whose effects take the longest to settle come first.
const FAULTS: [(FaultKind, Part); 15] = [
    (FaultKind::Killed, Part::Booking(0)),
    (FaultKind::Killed, Part::Booking(1)),
    (FaultKind::Killed, Part::EventManagement(0)),
    (FaultKind::Killed, Part::EventManagement(1)),
    (FaultKind::Killed, Part::Store(Store::Postgres)),
    (FaultKind::Killed, Part::Store(Store::Redis)),
    (FaultKind::Stopped, Part::Booking(0)),
    (FaultKind::Stopped, Part::Booking(1)),
    (FaultKind::Stopped, Part::EventManagement(0)),
    (FaultKind::Stopped, Part::EventManagement(1)),
    (FaultKind::Stopped, Part::Store(Store::Postgres)),
    (FaultKind::Stopped, Part::Store(Store::Redis)),
    (FaultKind::Cut, Part::Store(Store::Postgres)),
    (FaultKind::Cut, Part::Store(Store::Redis)),
    (FaultKind::Flushed, Part::Store(Store::Redis)),
];

/// Faults of which customers who buy must notice nothing.
const BYSTANDER_FAULTS: [(FaultKind, Part); 8] = [
    (FaultKind::Killed, Part::Search),
    (FaultKind::Killed, Part::Store(Store::Kafka)),
    (FaultKind::Killed, Part::Store(Store::Connect)),
    (FaultKind::Killed, Part::Store(Store::Elasticsearch)),
    (FaultKind::Stopped, Part::Search),
    (FaultKind::Stopped, Part::Store(Store::Kafka)),
    (FaultKind::Stopped, Part::Store(Store::Connect)),
    (FaultKind::Stopped, Part::Store(Store::Elasticsearch)),
];

/// Injects faults until each was injected often enough and enough purchases were tried.
pub(crate) async fn inject(
    plan: &Plan,
    platform: &Platform,
    recorder: &Recorder,
    customers: &Customers,
    deadline: Instant,
) -> Result<()> {
    let injector = Injector { platform, recorder, longest: plan.longest_fault, deadline };
    let bystanders = injector.rounds_of(&BYSTANDER_FAULTS, plan.bystander_rounds, plan.seed.wrapping_add(1));
    let payments = async {
        while !recorder.is_closed() {
            platform.decide_payments();
            sleep(BETWEEN_LOOKS).await;
        }
    };
    let faults = async {
        let (needed, unneeded) = tokio::join!(injector.rounds_of(&FAULTS, plan.rounds, plan.seed), bystanders);
        needed.and(unneeded)?;
        while customers.tried() < plan.min_purchases {
            ensure!(Instant::now() < deadline, "only {} purchases were tried", customers.tried());
            sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    };
    tokio::select! {
        injected = faults => injected,
        () = payments => Ok(()),
    }
}

struct Injector<'a> {
    platform: &'a Platform,
    recorder: &'a Recorder,
    /// The longest time for which a fault lasts.
    longest: Duration,
    deadline: Instant,
}

impl Injector<'_> {
    async fn rounds_of(&self, faults: &[(FaultKind, Part)], rounds: u64, seed: u64) -> Result<()> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut faults = faults.to_vec();
        for round in 0..rounds {
            for (what, part) in &faults {
                ensure!(Instant::now() < self.deadline, "only {round} rounds of faults");
                sleep(self.longest.mul_f64(random.random_range(QUIET_PERIOD))).await;
                self.inject(*what, *part, &mut random).await.with_context(|| format!("{what:?} {part:?}"))?;
            }
            faults.shuffle(&mut random);
            let (after, kinds) = (self.recorder.elapsed().as_secs(), faults.len());
            eprintln!("{after:>4} s  round {} of {rounds}: {kinds} kinds of faults", round + 1);
        }
        Ok(())
    }

    async fn inject(&self, what: FaultKind, part: Part, random: &mut StdRng) -> Result<()> {
        let start_us = self.recorder.now_us();
        let length = random.random_range(SHORTEST_FAULT..self.longest);
        match what {
            FaultKind::Killed => self.kill_and_restart(part, length.mul_f64(KILLED_SHARE)).await?,
            FaultKind::Stopped => self.pause_for(part, length).await?,
            FaultKind::Cut => {
                let proxy = self.proxy(part)?;
                proxy.cut();
                sleep(length).await;
                proxy.mend();
            }
            FaultKind::Flushed => self.flush(part).await?,
        }
        self.recorder.fault(what, &name(part), start_us);
        Ok(())
    }

    /// Kills a part. A replica stays away for a while; a store is away long enough, because it has to read its data again.
    async fn kill_and_restart(&self, part: Part, away: Duration) -> Result<()> {
        if let Part::Store(store) = part {
            let instance = self.platform.instance_of(store);
            instance.kill(store).await?;
            return instance.up(&[store]).await.map(drop);
        }
        let process = self.process(part)?;
        process.kill();
        sleep(away).await;
        process.restart().await?;
        let livez = format!("{}/livez", process.url);
        let answer = async || reqwest::get(&livez).await.and_then(reqwest::Response::error_for_status);
        within(ANSWERS_WITHIN, "a replica answers after its restart", answer).await.map(drop)
    }

    async fn pause_for(&self, part: Part, length: Duration) -> Result<()> {
        if let Part::Store(store) = part {
            let instance = self.platform.instance_of(store);
            instance.pause(store)?;
            sleep(length).await;
            return instance.resume(store);
        }
        let process = self.process(part)?;
        process.pause()?;
        sleep(length).await;
        process.resume()
    }

    fn process(&self, part: Part) -> Result<&Process> {
        match part {
            Part::Booking(number) => self.platform.booking.get(number),
            Part::EventManagement(number) => self.platform.event_management.get(number),
            Part::Search => self.platform.search.as_ref(),
            Part::Store(_) => None,
        }
        .context("no such process")
    }

    /// The proxy between the services and a store.
    fn proxy(&self, part: Part) -> Result<&Proxy> {
        match part {
            Part::Store(Store::Postgres) => Ok(&self.platform.postgres_proxy),
            Part::Store(Store::Redis) => Ok(&self.platform.redis_proxy),
            _ => bail!("no proxy stands before it"),
        }
    }

    async fn flush(&self, part: Part) -> Result<()> {
        ensure!(part == Part::Store(Store::Redis), "only Redis can be flushed");
        let addr = self.platform.instance_of(Store::Redis).addresses()?.redis_addr;
        let mut redis = redis::Client::open(format!("redis://{addr}/"))?.get_multiplexed_async_connection().await?;
        Ok(redis::cmd("FLUSHALL").exec_async(&mut redis).await?)
    }
}

fn name(part: Part) -> String {
    match part {
        Part::Booking(number) => format!("booking-{}", number + 1),
        Part::EventManagement(number) => format!("event-management-{}", number + 1),
        Part::Search => "search".to_owned(),
        Part::Store(store) => store.name().to_owned(),
    }
}
