//! Settings of the HTTP server.

use std::time::Duration;

use super::Environment;

/// How much a program logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything worth knowing while developing.
    Debug,
    /// What an operator needs.
    Release,
    /// As little as possible.
    Test,
}

/// Settings of the HTTP server ([`crate::http`]).
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// `SERVER_MODE`: `debug`, `release` (default) or `test`.
    pub mode: Mode,
    /// `SERVER_ADDR`: where to listen, `host:port` or `:port`.
    pub addr: String,
    /// `SERVER_READ_TIMEOUT`: the longest that a request's head may take to arrive, and then its body. Default 5 s.
    pub read_timeout: Duration,
    /// `SERVER_WRITE_TIMEOUT`: the longest that a write to a client may make no progress. Default 10 s.
    pub write_timeout: Duration,
    /// `SERVER_MAX_HEADER_BYTES`: the largest request head, 8 KiB (hyper's minimum) to 16 MiB. Default 1 MiB.
    pub max_header_bytes: usize,
    /// `SERVER_CTX_TIMEOUT`: the longest that a handler may take to answer. Default 10 s.
    pub ctx_timeout: Duration,
    /// `SERVER_DRAIN_DELAY`: how long the server accepts connections after SIGTERM, until load balancers know of it.
    /// Default 0 s.
    pub drain_delay: Duration,
    /// `SERVER_DRAIN_TIMEOUT`: how long requests under way may take after that. Default 20 s.
    pub drain_timeout: Duration,
}

impl ServerSettings {
    /// Reads the `SERVER_*` settings. `default_addr` is the default of `SERVER_ADDR`.
    pub fn read(env: &mut Environment, default_addr: &str) -> Option<Self> {
        let modes = [("debug", Mode::Debug), ("release", Mode::Release), ("test", Mode::Test)];
        let mode = env.one_of_or("SERVER_MODE", "release", &modes);
        let addr = read_addr(env, default_addr);
        let read_timeout = env.seconds("SERVER_READ_TIMEOUT", 5, 1..=3600);
        let write_timeout = env.seconds("SERVER_WRITE_TIMEOUT", 10, 1..=3600);
        let max_header_bytes = env.in_range("SERVER_MAX_HEADER_BYTES", 1 << 20, 8 << 10..=16 << 20);
        let ctx_timeout = env.seconds("SERVER_CTX_TIMEOUT", 10, 1..=3600);
        let drain_delay = env.seconds("SERVER_DRAIN_DELAY", 0, 0..=300);
        let drain_timeout = env.seconds("SERVER_DRAIN_TIMEOUT", 20, 0..=3600);
        Some(Self {
            mode: mode?,
            addr: addr?,
            read_timeout: read_timeout?,
            write_timeout: write_timeout?,
            max_header_bytes: max_header_bytes?,
            ctx_timeout: ctx_timeout?,
            drain_delay: drain_delay?,
            drain_timeout: drain_timeout?,
        })
    }
}

fn read_addr(env: &mut Environment, default: &str) -> Option<String> {
    let addr: String = env.or("SERVER_ADDR", default.to_owned())?;
    let port = addr.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() {
        env.reject("SERVER_ADDR", "must be host:port or :port");
        return None;
    }
    Some(if addr.starts_with(':') { format!("0.0.0.0{addr}") } else { addr })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::port_alone(":9000", Some("0.0.0.0:9000"))]
    #[case::host_and_port("127.0.0.1:0", Some("127.0.0.1:0"))]
    #[case::no_port("localhost", None)]
    #[case::port_too_large(":70000", None)]
    fn an_address_is_host_and_port(#[case] value: &str, #[case] expected: Option<&str>) {
        let mut env = Environment::from_pairs([("SERVER_ADDR", value)]);
        let settings = ServerSettings::read(&mut env, ":8080");
        assert_eq!(settings.map(|settings| settings.addr).as_deref(), expected);
        assert_eq!(env.finish(Some(())).is_ok(), expected.is_some());
    }
}
