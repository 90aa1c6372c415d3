//! The setup of a run: a new shop, the services, and the processes whose CPU time is measured.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use ids::TicketId;
use testbed::{Instance, Process, Program, Store};

use crate::{
    load::{ClosedLoop, OpenLoop},
    plan::{OPEN_LOOP_SHARE, Plan},
    programs::{self, Environment},
    redis_databases::{PARTS_REDIS_DB, SERVICES_REDIS_DB, flush},
    requests::Buyer,
    shop::Shop,
    usage::{self, Memory, Watched, machine_cpu, memory},
    wire::{Connection, Expected},
};

/// The programs and stores, which all runs share.
pub(crate) struct Installation {
    /// The folder of the programs.
    pub programs: PathBuf,
    pub instance: Instance,
    /// The address of Redis.
    pub redis: SocketAddr,
}

pub(crate) struct Setup<'s> {
    pub plan: &'s Plan,
    pub installation: &'s Installation,
    pub shop: Shop,
    pub booking: Process,
    pub management: Process,
    /// The program of `parts.rs`.
    pub parts: Process,
    postgres: usage::Process,
    redis: usage::Process,
    begun: Instant,
    cpu_of_others: Duration,
}

impl<'s> Setup<'s> {
    /// Fills the stores and starts the services.
    pub(crate) async fn open(plan: &'s Plan, installation: &'s Installation) -> Result<Self> {
        super::step("filling the shop");
        flush_redis(installation).await?;
        let shop = Shop::open(plan).await?;
        let environment = environment(installation, &shop);
        let start = async |program: &str| {
            let program = Program::new(installation.programs.join(program));
            programs::start(program.environment(environment.clone())).await
        };
        let booking = start("booking").await?;
        let management = start("event-management").await?;
        for event in [&shop.small, &shop.large, &shop.cold] {
            hold(booking.addr, &event.to_hold).await?;
        }
        let parts = ["parts", &management.addr.to_string(), &shop.small.path, &shop.large.path];
        let parts = programs::start(Program::new(std::env::current_exe()?).arguments(parts)).await?;
        // PostgreSQL's processes begin and end with its connections.
        let postgres = usage::Process::WithChildren(installation.instance.pid(Store::Postgres)?);
        let redis = usage::Process::Single(installation.instance.pid(Store::Redis)?);
        let (begun, cpu_of_others) = (Instant::now(), cpu_of_others(postgres, redis)?);
        Ok(Self { plan, installation, shop, booking, management, parts, postgres, redis, begun, cpu_of_others })
    }

    /// Ends the services and drops the data. It is an error when a service has ended before.
    pub(crate) async fn close(self) -> Result<()> {
        for process in [&self.booking, &self.management, &self.parts] {
            programs::end(process)?;
        }
        flush_redis(self.installation).await
    }

    /// The share of the machine that other processes have used since the begin. They disturb the measures.
    pub(crate) fn others(&self) -> Result<f64> {
        let others = cpu_of_others(self.postgres, self.redis)?.saturating_sub(self.cpu_of_others);
        let cores = std::thread::available_parallelism()?.get() as f64;
        Ok(others.as_secs_f64() / self.begun.elapsed().as_secs_f64() / cores)
    }

    /// The processes whose CPU time is measured with a program: the stores and the generator.
    pub(crate) fn watch(&self, program: &Process) -> Result<Watched> {
        Ok(Watched(vec![
            ("service", usage::Process::Single(programs::pid(program)?)),
            ("redis", self.redis),
            ("postgres", self.postgres),
            ("generator", usage::Process::Single(std::process::id())),
        ]))
    }

    pub(crate) fn closed(&self, addr: SocketAddr) -> ClosedLoop {
        ClosedLoop {
            addr,
            connections: self.plan.connections,
            warm_up: self.plan.warm_up(),
            duration: self.plan.duration(),
        }
    }

    /// An open loop at a share of the possible rate.
    pub(crate) fn open_loop(&self, addr: SocketAddr, possible_per_second: f64) -> OpenLoop {
        OpenLoop {
            addr,
            connections: self.plan.connections,
            rate_per_second: possible_per_second * OPEN_LOOP_SHARE,
            warm_up: self.plan.warm_up() / 2,
            duration: self.plan.duration(),
        }
    }

    pub(crate) fn memory(&self) -> Result<BTreeMap<&'static str, Memory>> {
        let services = [("booking", &self.booking), ("event-management", &self.management)];
        services.into_iter().map(|(name, service)| Ok((name, memory(programs::pid(service)?)?))).collect()
    }
}

/// The CPU time of all processes except the stores, this program and what this program has started.
fn cpu_of_others(postgres: usage::Process, redis: usage::Process) -> Result<Duration> {
    let ours = postgres.cpu()? + redis.cpu()? + usage::Process::WithChildren(std::process::id()).cpu()?;
    Ok(machine_cpu()?.saturating_sub(ours))
}

async fn flush_redis(installation: &Installation) -> Result<()> {
    for db in [SERVICES_REDIS_DB, PARTS_REDIS_DB] {
        flush(installation.redis, db).await.context("Redis cannot be emptied")?;
    }
    Ok(())
}

/// The settings of the services. Settings without an entry have their default, as in production.
fn environment(installation: &Installation, shop: &Shop) -> Environment {
    let mut environment = shop.database.environment();
    environment.extend(
        [
            ("POSTGRES_SSLMODE", "disable".to_owned()),
            ("REDIS_ADDR", installation.redis.to_string()),
            ("REDIS_DB", SERVICES_REDIS_DB.to_string()),
            ("PAYMENT_PROVIDER", "free".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    environment
}

async fn hold(booking: SocketAddr, tickets: &[TicketId]) -> Result<()> {
    let mut connection = Connection::open(booking).await?;
    for ticket in tickets {
        let mut request = Vec::new();
        Buyer::new(*ticket).reserve(&mut request);
        connection.send(&request).await?;
        Expected::Status(200).read(&mut connection).await?;
    }
    Ok(())
}
