//! Settings of the Redis connection.

use super::Environment;

/// Where Redis is, and how to log in.
#[derive(Clone)]
pub struct RedisSettings {
    /// The host of `REDIS_ADDR` (`host:port`), required.
    pub host: String,
    /// The port of `REDIS_ADDR`.
    pub port: u16,
    /// `REDIS_PASSWORD`, none by default.
    pub password: Option<String>,
    /// `REDIS_DB`, default 0.
    pub db: i64,
    /// `REDIS_TLS`: `true` or `false` (default).
    pub tls: bool,
}

impl RedisSettings {
    /// Reads the `REDIS_*` settings.
    pub fn read(env: &mut Environment) -> Option<Self> {
        let addr = read_addr(env);
        let password = env.optional("REDIS_PASSWORD");
        let db = env.in_range("REDIS_DB", 0, 0..=1_000_000);
        let tls = env.or("REDIS_TLS", false);
        let (host, port) = addr?;
        Some(Self { host, port, password: password?, db: db?, tls: tls? })
    }
}

fn read_addr(env: &mut Environment) -> Option<(String, u16)> {
    let addr: String = env.required("REDIS_ADDR")?;
    let parts = addr.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    match parts {
        Some((host, port)) if !host.is_empty() => Some((host.to_owned(), port)),
        _ => {
            env.reject("REDIS_ADDR", "must be host:port");
            None
        }
    }
}
