//! Stripe's own `stripe-mock`: it knows the shape of every call and every answer, and keeps no state.

use std::net::SocketAddr;

use crate::{Process, Program};

/// A running `stripe-mock`. It is killed when this value is dropped.
#[derive(Debug)]
pub struct StripeMock(Process);

impl StripeMock {
    /// Starts the program that `TEST_STRIPE_MOCK` names, on a free port.
    ///
    /// # Panics
    /// When the variable is not set, or the program does not start.
    pub async fn start() -> Self {
        let path = std::env::var("TEST_STRIPE_MOCK")
            .expect("TEST_STRIPE_MOCK is not set: run `make test`, or `export TEST_STRIPE_MOCK=$(dev/stripe-mock)`");
        let program = Program::new(path)
            // Without an address for HTTPS it would take a port that is always the same.
            .arguments(["-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"])
            .address_in(address_in_announcement);
        Self(program.serve().await.expect("stripe-mock starts"))
    }

    /// Where its API is.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.0.url
    }
}

fn address_in_announcement(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("Listening for HTTP at address: ")?.parse().ok()
}
