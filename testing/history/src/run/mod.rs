//! A run: customers shop at real processes, which use the run's own stores, while faults are injected.

mod behaviour;
mod clock;
mod customer;
mod faults;
mod market;
mod multi_seat;
mod platform;
mod programs;
mod result;
mod shop;
mod visit;

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{task::JoinSet, time::Instant};

use self::{clock::Recorder, customer::Customers, market::Market, platform::Platform, shop::Shop};
pub use self::{programs::Programs, result::Tally};
use crate::history::{History, Run};

/// The payment provider of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Provider {
    /// Tickets cost nothing.
    Free,
    /// The fake of Stripe.
    Stripe,
}

/// The size and length of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed decides what customers and faults do. It does not decide how their requests interleave.
    pub seed: u64,
    /// The payment provider of a run.
    pub provider: Provider,
    /// Number of customers who shop at the same time.
    pub customers: usize,
    /// The run ends after at least this many purchases were tried.
    pub min_purchases: u64,
    /// Each fault is injected this many times.
    pub rounds: u64,
    /// The longest time for which a fault lasts.
    pub longest_fault: Duration,
    /// The run fails when it takes longer than this.
    pub time_limit: Duration,
    /// Number of times each fault of search and its stores is injected. With 0 they are not started.
    pub bystander_rounds: u64,
}

/// The length of a hold: short, so that many holds expire.
pub const HOLD: Duration = Duration::from_secs(2);
/// The lifetime of a hold: it ends after this time, however often it is extended.
pub const LIFETIME: Duration = Duration::from_secs(6);
/// Allowed difference of two clocks. All of them are clocks of one machine.
const TOLERANCE: Duration = Duration::from_millis(50);
/// Longer than any pause of a replica and than the services' own time limits for a request.
const LATE_EFFECT: Duration = Duration::from_secs(20);
/// The pause between two looks at an event's page.
const BETWEEN_PAGES: Duration = Duration::from_millis(30);
const PAGE_READERS: usize = 2;

/// The result of a run.
pub struct Recorded {
    /// The history for the checker.
    pub history: History,
    /// The numbers for people.
    pub tally: Tally,
    /// The folder with the programs' logs.
    pub logs: std::path::PathBuf,
}

/// Runs a plan with these programs. It fails when the platform cannot be started, disturbed or read, or when the plan's
/// time limit is exceeded.
pub async fn run(plan: &Plan, programs: &Programs) -> Result<Recorded> {
    let begun = Instant::now();
    let platform = Platform::start(plan, programs).await?;
    let recorder = Arc::new(Recorder::start());
    let market = Arc::new(Market::open(&platform.database, seats_for(plan)).await?);
    let shop = Arc::new(Shop::new(&platform, recorder.clone())?);
    let customers = Arc::new(Customers::invite(&shop, plan).await?);

    let mut shopping = JoinSet::new();
    for number in 0..plan.customers {
        let random = StdRng::seed_from_u64(plan.seed.wrapping_add(number as u64));
        shopping.spawn(visit::shop_until_closed(shop.clone(), market.clone(), customers.clone(), random));
    }
    for number in 0..PAGE_READERS {
        let random = StdRng::seed_from_u64(plan.seed.wrapping_sub(1 + number as u64));
        shopping.spawn(read_pages(shop.clone(), market.clone(), random));
    }
    let deadline = begun + plan.time_limit;
    let injected = faults::inject(plan, &platform, &recorder, &customers, deadline).await;
    customers.close();
    while shopping.join_next().await.is_some() {}
    injected?;
    platform.settle(&market, deadline).await?;
    let shopped = recorder.elapsed();

    let mut history = result::read(&platform).await?;
    let (operations, faults, not_sent) = recorder.take();
    (history.operations, history.faults, history.run) = (operations, faults, terms());
    let tally = Tally::of(&history, customers.tried(), not_sent, shopped, platform.stripe());
    ensure!(Instant::now() < deadline, "the run took longer than {:?}", plan.time_limit);
    let logs = platform.end().await;
    Ok(Recorded { history, tally, logs })
}

/// Enough seats for all purchases: many attempts are refused, so not every purchase takes a seat.
fn seats_for(plan: &Plan) -> usize {
    usize::try_from(plan.min_purchases).unwrap_or(usize::MAX).max(1_000)
}

fn terms() -> Run {
    let microseconds = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    Run {
        about: "recorded".to_owned(),
        violates: vec![],
        hold_us: microseconds(HOLD),
        lifetime_us: microseconds(LIFETIME),
        tolerance_us: microseconds(TOLERANCE),
        late_effect_us: microseconds(LATE_EFFECT),
    }
}

/// Reads event pages until the run closes, including pages of sold-out events.
async fn read_pages(shop: Arc<Shop>, market: Arc<Market>, mut random: StdRng) {
    while !shop.recorder.is_closed() {
        let event = market.any_open_event(&mut random);
        let booked = shop.page(event, random.random_range(0..2)).await;
        market.seen_as_sold(event, &booked);
        tokio::time::sleep(BETWEEN_PAGES).await;
    }
}
