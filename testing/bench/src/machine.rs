//! The machine and the stores of a measurement.

use std::{fs, net::SocketAddr, thread};

use anyhow::{Context, Result};
use serde::Serialize;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::redis_databases::{PARTS_REDIS_DB, redis_connection};

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// The time of the measurement, in UTC.
    pub date: String,
    /// Number of processors that may be used.
    pub cores: usize,
    /// The model of the processors.
    pub processor: String,
    pub memory_gib: f64,
    pub kernel: String,
    /// The version of PostgreSQL.
    pub postgres: String,
    /// Whether PostgreSQL waits for the disk when a sale commits.
    pub postgres_fsync: String,
    /// The version of Redis.
    pub redis: String,
}

impl Machine {
    pub(crate) async fn read(postgres_url: &str, redis: SocketAddr) -> Result<Self> {
        let options: PgConnectOptions = postgres_url.parse()?;
        let mut postgres = PgConnection::connect_with(&options).await?;
        let mut show = async |name: &str| -> sqlx::Result<String> {
            sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut postgres).await
        };
        let mut connection = redis_connection(redis, PARTS_REDIS_DB).await?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        Ok(Self {
            date: OffsetDateTime::now_utc().replace_nanosecond(0)?.format(&Rfc3339)?,
            cores: thread::available_parallelism()?.get(),
            processor: value_in(&fs::read_to_string("/proc/cpuinfo")?, "model name")?,
            memory_gib: memory_gib(&fs::read_to_string("/proc/meminfo")?)?,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            postgres: show("server_version").await?,
            postgres_fsync: show("fsync").await?,
            redis: value_in(&info, "redis_version")?,
        })
    }
}

/// The first value with this name in lines of `name: value`.
fn value_in(text: &str, name: &str) -> Result<String> {
    let value = text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim().to_owned())
    });
    value.with_context(|| format!("there is no {name}"))
}

fn memory_gib(meminfo: &str) -> Result<f64> {
    const KIB_PER_GIB: f64 = 1024.0 * 1024.0;
    let kib: f64 = value_in(meminfo, "MemTotal")?.trim_end_matches(" kB").parse()?;
    Ok(kib / KIB_PER_GIB)
}
