//! Free ports on loopback, outside the range that the kernel gives to clients: nobody takes such a port while its owner
//! is away.

use std::{net::TcpListener, ops::Range};

use rand::Rng;

/// For replicas that come back at the same address.
const REPLICAS: Range<u16> = 12_000..20_000;

/// A port for a replica that has to be found at the same address after a restart.
#[must_use]
pub fn free_replica_port() -> u16 {
    free_port(REPLICAS)
}

/// A port in this range that nobody listens on now.
pub(crate) fn free_port(range: Range<u16>) -> u16 {
    loop {
        let port = rand::rng().random_range(range.clone());
        if is_free(port) {
            return port;
        }
    }
}

pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_somebody_listens_on_is_not_given() {
        let taken = TcpListener::bind(("127.0.0.1", free_replica_port())).expect("a free port");
        let port = taken.local_addr().expect("an address").port();
        assert!(!is_free(port));
        assert_eq!(free_port(port..port + 2), port + 1);
    }
}
