//! The connection to Redis.

use std::{io, time::Duration};

use redis::{
    Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::settings::RedisSettings;

/// The longest wait for an answer. Redis answers in well under a millisecond; a service that waits longer does better
/// without it.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(800);
/// The longest that one request waits for a connection. Reconnecting goes on in the background.
const CONNECTION_TIMEOUT: Duration = Duration::from_millis(500);
/// The longest pause between two attempts to reconnect.
const MAX_RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// Makes a multiplexed connection. It connects when it is first used, and reconnects by itself.
///
/// # Errors
/// When the settings make no address.
pub fn connect(settings: &RedisSettings) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_number_of_retries(1)
        .set_max_delay(MAX_RECONNECT_DELAY);
    ConnectionManager::new_lazy_with_config(client(settings)?, config)
}

/// Runs a call to Redis within a time limit that is shorter than the connection's own.
///
/// # Errors
/// Those of the call, and an I/O error when the limit has passed. Redis may have carried out the command then.
pub async fn within<T>(limit: Duration, call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    tokio::time::timeout(limit, call)
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}")).into()))
}

fn client(settings: &RedisSettings) -> RedisResult<Client> {
    let (host, port) = (settings.host.clone(), settings.port);
    let addr = if settings.tls {
        ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
    } else {
        ConnectionAddr::Tcp(host, port)
    };
    let mut session = RedisConnectionInfo::default().set_db(settings.db);
    if let Some(password) = &settings.password {
        session = session.set_password(password.as_str());
    }
    Client::open(addr.into_connection_info()?.set_redis_settings(session))
}
