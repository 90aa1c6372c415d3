//! What a run stands on: a fresh shop, the services on it, and who is watched.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use uuid::Uuid;

use crate::{
    load::{ClosedLoop, OpenLoop},
    plan::{OPEN_LOOP_SHARE, Plan},
    programs::{Environment, Program},
    requests::Wish,
    shop::Shop,
    stores::{PARTS_REDIS_DB, SERVICES_REDIS_DB, Stores, flush},
    usage::{Memory, Process, Watched, machine_cpu, memory},
    wire::{Connection, Expected},
};

/// What does not change from run to run.
pub(crate) struct Machinery {
    /// Where the programs lie.
    pub programs: PathBuf,
    /// The stores.
    pub stores: Stores,
    /// Where Redis is.
    pub redis: SocketAddr,
}

/// Everything that a run needs.
pub(crate) struct Setting<'s> {
    /// How much is measured.
    pub plan: &'s Plan,
    /// The stores.
    pub machinery: &'s Machinery,
    /// What is for sale.
    pub shop: Shop,
    /// The booking service.
    pub booking: Program,
    /// The event management service.
    pub management: Program,
    /// What the services are made of.
    pub parts: Program,
    postgres: Process,
    redis: Process,
    begun: Instant,
    cpu_of_others: Duration,
}

impl<'s> Setting<'s> {
    /// Fills the stores and starts the services.
    ///
    /// # Errors
    /// When a store or a service fails.
    pub(crate) async fn open(plan: &'s Plan, machinery: &'s Machinery) -> Result<Self> {
        super::step("filling the shop");
        flush_redis(machinery).await?;
        let shop = Shop::open(plan).await?;
        let environment = environment(machinery, &shop);
        let booking = Program::start(&machinery.programs.join("booking"), [""; 0], &environment).await?;
        let management = Program::start(&machinery.programs.join("event-management"), [""; 0], &environment).await?;
        for event in [&shop.small, &shop.large, &shop.cold] {
            hold(booking.addr, &event.to_hold).await?;
        }
        let parts = ["parts", &management.addr.to_string(), &shop.small.path, &shop.large.path];
        let parts = Program::start(&std::env::current_exe()?, parts, &Environment::new()).await?;
        let (postgres, redis) = (machinery.stores.postgres().await?, machinery.stores.redis().await?);
        let (begun, cpu_of_others) = (Instant::now(), cpu_of_others(postgres, redis)?);
        Ok(Self { plan, machinery, shop, booking, management, parts, postgres, redis, begun, cpu_of_others })
    }

    /// Ends the services and drops the data.
    ///
    /// # Errors
    /// When a service has ended before.
    pub(crate) async fn close(self) -> Result<()> {
        for program in [self.booking, self.management, self.parts] {
            program.end().await?;
        }
        flush_redis(self.machinery).await
    }

    /// The share of the machine that others have used since the begin: those who measure nothing disturb what is measured.
    ///
    /// # Errors
    /// When a store has ended.
    pub(crate) fn others(&self) -> Result<f64> {
        let others = cpu_of_others(self.postgres, self.redis)?.saturating_sub(self.cpu_of_others);
        let cores = std::thread::available_parallelism()?.get() as f64;
        Ok(others.as_secs_f64() / self.begun.elapsed().as_secs_f64() / cores)
    }

    /// Watches the program with the stores under it, and the generator beside it.
    pub(crate) fn watch(&self, program: &Program) -> Watched {
        Watched(vec![
            ("service", Process::Single(program.pid)),
            ("redis", self.redis),
            ("postgres", self.postgres),
            ("generator", Process::Single(std::process::id())),
        ])
    }

    /// A closed loop of the plan's size.
    pub(crate) fn closed(&self, addr: SocketAddr) -> ClosedLoop {
        ClosedLoop {
            addr,
            connections: self.plan.connections,
            warm_up: self.plan.warm_up(),
            duration: self.plan.duration(),
        }
    }

    /// An open loop at the plan's share of what was possible.
    pub(crate) fn open_loop(&self, addr: SocketAddr, possible_per_second: f64) -> OpenLoop {
        OpenLoop {
            addr,
            connections: self.plan.connections,
            rate_per_second: possible_per_second * OPEN_LOOP_SHARE,
            warm_up: self.plan.warm_up() / 2,
            duration: self.plan.duration(),
        }
    }

    /// Memory of each service.
    ///
    /// # Errors
    /// When one has ended.
    pub(crate) fn memory(&self) -> Result<BTreeMap<&'static str, Memory>> {
        let services = [("booking", &self.booking), ("event-management", &self.management)];
        services.into_iter().map(|(name, program)| Ok((name, memory(program.pid)?))).collect()
    }
}

/// What the machine has used so far beside the stores, this program, and what this program has started.
fn cpu_of_others(postgres: Process, redis: Process) -> Result<Duration> {
    let ours = postgres.cpu()? + redis.cpu()? + Process::WithChildren(std::process::id()).cpu()?;
    Ok(machine_cpu()?.saturating_sub(ours))
}

async fn flush_redis(machinery: &Machinery) -> Result<()> {
    for db in [SERVICES_REDIS_DB, PARTS_REDIS_DB] {
        flush(machinery.redis, db).await.context("Redis cannot be emptied")?;
    }
    Ok(())
}

/// The contract's settings. All that is not named has the default that it has in production.
fn environment(machinery: &Machinery, shop: &Shop) -> Environment {
    let mut environment = shop.database.environment();
    environment.extend(
        [
            ("POSTGRES_SSLMODE", "disable".to_owned()),
            ("REDIS_ADDR", machinery.redis.to_string()),
            ("REDIS_DB", SERVICES_REDIS_DB.to_string()),
            ("PAYMENT_PROVIDER", "free".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    environment
}

async fn hold(booking: SocketAddr, tickets: &[Uuid]) -> Result<()> {
    let mut connection = Connection::open(booking).await?;
    for ticket in tickets {
        let mut request = Vec::new();
        Wish::of_somebody(*ticket).reserve(&mut request);
        connection.send(&request).await?;
        Expected::Status(200).read(&mut connection).await?;
    }
    Ok(())
}
