//! The databases of Redis that the benchmark uses.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use redis::{AsyncConnectionConfig, IntoConnectionInfo, RedisConnectionInfo, aio::MultiplexedConnection};

/// The database of the services. The benchmark empties it. By default the services use 0, so nobody else uses this one.
pub(crate) const SERVICES_REDIS_DB: i64 = 1;
/// The database in which Redis is measured alone.
pub(crate) const PARTS_REDIS_DB: i64 = 2;

/// Redis does nothing else while it drops 100,000 holds.
const EMPTIED_WITHIN: Duration = Duration::from_secs(30);

pub(crate) async fn redis_connection(addr: SocketAddr, db: i64) -> Result<MultiplexedConnection> {
    let session = RedisConnectionInfo::default().set_db(db);
    let info = (addr.ip().to_string(), addr.port()).into_connection_info()?.set_redis_settings(session);
    let patient = AsyncConnectionConfig::new().set_response_timeout(Some(EMPTIED_WITHIN));
    Ok(redis::Client::open(info)?.get_multiplexed_async_connection_with_config(&patient).await?)
}

pub(crate) async fn flush(addr: SocketAddr, db: i64) -> Result<()> {
    let mut connection = redis_connection(addr, db).await?;
    Ok(redis::cmd("FLUSHDB").query_async(&mut connection).await?)
}
