//! A run: customers shop at real processes on stores of their own, while parts of the platform are struck.

mod clock;
mod customer;
mod faults;
mod manner;
mod market;
mod platform;
mod process;
mod programs;
mod result;
mod several;
mod shop;
mod stores;
mod visit;

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{task::JoinSet, time::Instant};

use self::{clock::Recorder, customer::Customers, market::Market, platform::Platform, shop::Shop};
pub use self::{programs::Programs, result::Tally};
use crate::history::{History, Run};

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Provider {
    /// Nobody.
    Free,
    /// The fake of Stripe.
    Stripe,
}

/// What a run is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides what customers and faults do, though not how their requests interleave.
    pub seed: u64,
    /// Who takes the money.
    pub provider: Provider,
    /// Customers who shop at the same time.
    pub customers: usize,
    /// At least so many purchases are tried,
    pub purchases: u64,
    /// and each fault strikes so many times,
    pub rounds: u64,
    /// and stands still, cut off or away for up to so long each time,
    pub trouble: Duration,
    /// unless this is over: then the run has failed.
    pub at_most: Duration,
    /// How often search and what it lives on are struck meanwhile; 0: they are not there.
    pub bystander_rounds: u64,
}

/// A hold's length: short, so that many run out.
pub const HOLD: Duration = Duration::from_secs(2);
/// However often it is extended, a hold ends after this.
pub const LIFETIME: Duration = Duration::from_secs(6);
/// All clocks are those of one machine.
const TOLERANCE: Duration = Duration::from_millis(50);
/// Longer than a replica stands still, and than a request may take by the services' own limits.
const LATE_EFFECT: Duration = Duration::from_secs(20);
/// The pause between two looks at an event's page.
const BETWEEN_PAGES: Duration = Duration::from_millis(30);
const PAGE_READERS: usize = 2;

/// What a run has brought.
pub struct Recorded {
    /// For the checker.
    pub history: History,
    /// For people.
    pub tally: Tally,
    /// Where the programs' logs are kept.
    pub logs: std::path::PathBuf,
}

/// Runs a plan with these programs.
///
/// # Errors
/// When the platform cannot be started, struck or read, or the plan's time is over.
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
        shopping.spawn(customer::shop_on(shop.clone(), market.clone(), customers.clone(), random));
    }
    for number in 0..PAGE_READERS {
        let random = StdRng::seed_from_u64(plan.seed.wrapping_sub(1 + number as u64));
        shopping.spawn(read_pages(shop.clone(), market.clone(), random));
    }
    let deadline = begun + plan.at_most;
    let struck = faults::strike(plan, &platform, &recorder, &customers, deadline).await;
    customers.close();
    while shopping.join_next().await.is_some() {}
    struck?;
    platform.settle(&market, deadline).await?;
    let shopped = recorder.elapsed();

    let mut history = result::read(&platform).await?;
    let (operations, faults, not_sent) = recorder.take();
    (history.operations, history.faults, history.run) = (operations, faults, terms());
    let tally = Tally::of(&history, customers.tried(), not_sent, shopped, platform.stripe());
    ensure!(Instant::now() < deadline, "the run took longer than {:?}", plan.at_most);
    let logs = platform.end().await;
    Ok(Recorded { history, tally, logs })
}

/// Many are refused; there are seats enough for the others.
fn seats_for(plan: &Plan) -> usize {
    usize::try_from(plan.purchases).unwrap_or(usize::MAX).max(1_000)
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

/// Looks at pages until shopping is over, sold-out events included.
async fn read_pages(shop: Arc<Shop>, market: Arc<Market>, mut random: StdRng) {
    while !shop.recorder.is_closed() {
        let event = market.any_open_event(&mut random);
        let booked = shop.page(event, random.random_range(0..2)).await;
        market.seen_as_sold(event, &booked);
        tokio::time::sleep(BETWEEN_PAGES).await;
    }
}
