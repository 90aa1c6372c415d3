//! The connection to Redis.

use std::time::Duration;

use redis::{
    Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::settings::RedisSettings;

/// Redis answers in well under a millisecond; a service that waits longer than this does better without it.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(800);
/// Reconnecting goes on in the background; this bounds what one request may wait for it.
const CONNECTION_TIMEOUT: Duration = Duration::from_millis(500);
/// The pause between two attempts to reconnect never grows beyond this.
const MAX_RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// One multiplexed connection that reconnects by itself, and connects when it is first used.
///
/// # Errors
/// When the settings do not make an address.
pub fn connect(settings: &RedisSettings) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_number_of_retries(1)
        .set_max_delay(MAX_RECONNECT_DELAY);
    ConnectionManager::new_lazy_with_config(client(settings)?, config)
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
